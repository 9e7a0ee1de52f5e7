//! The reactors: a runtime, and one file for each service.
//!
//! # Add a service
//!
//! A service listens to events and answers with commands. It is one file with a name, the subjects it listens
//! to, and `react`; a `mod` line below; and a line in `list.rs`.
//!
//! ```
//! use domain::{Envelope, Event, chat::AddReaction};
//! use services::{Failure, Reaction, Reactor};
//!
//! /// Waves at whoever says hello.
//! struct Greeter;
//!
//! impl Reactor for Greeter {
//!     const NAME: &'static str = "greeter";
//!     const PATTERNS: &'static [&'static str] = &["chat.*.message_posted"];
//!
//!     async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
//!         if let Event::ChatMessagePosted(said) = &event.event
//!             && said.text.starts_with("hello")
//!         {
//!             let (room, message) = (said.room.clone(), said.message);
//!             unit.command("wave", AddReaction { room, message, reaction: "👋".into() });
//!         }
//!         Ok(())
//!     }
//! }
//! ```
//!
//! What the runtime takes off its hands:
//!
//! - **Exactly once, inside.** The commands that `react` wants, what it remembers ([`Reaction::save`]), the
//!   timers it sets and the note that the event is handled are one transaction. A command's id is made from the
//!   event, the service and a label, so whatever is repeated after a crash changes nothing. What leaves the
//!   building (mail) may leave twice.
//! - **Order.** Events of one [key](Reactor::key) are handled one after the other. By default a service handles
//!   all its events in the order of the log, and commits them in batches; [`Reactor::PARALLEL`] is for slow I/O.
//! - **Failures.** A [`Failure`] says what to do: try again (with back-off), wait (what the service needs is
//!   down), or put the event aside as a *dead letter*, with every later event of its key behind it while other
//!   keys flow. A panic and a hanging attempt are failed attempts. A refused command puts its event aside: a
//!   business "no" to a service is an event, and not a refusal.
//! - **Operators** pause and resume a service, have dead letters handled again in order, or give them up, by the
//!   commands `service.*` of the contract.
//! - **Loops** end: a reaction that is too many steps from its cause is refused.
//!
//! Reckon with [`Reaction::now`] and not with a clock, and never keep in the reactor itself what the next event
//! rests on: after a crash, or a failed attempt, only what was saved is there.
//!
//! | module | holds |
//! |---|---|
//! | [`reactor`] | what a service is made of |
//! | [`reaction`] | what it collects while it handles an event |
//! | [`runtime`] | all services at work, and the settings |
//! | `list` | the services and projections of this build |
//! | [`orders`], [`inventory`], [`review`], [`payment`], [`shipping`] | the services that take an order to its end |
//! | [`courier`] | couriers for a demo |
//! | [`faults`] | what goes wrong on purpose |
//! | [`projection`] | stored read models: documents folded from the log |
//! | `folding`, `chunk` | one of them at work; what becomes of its documents |
//! | [`progress`] | how each is getting on |
//! | [`retry`] | how long to wait before trying again |
//! | `steps` | what services of the order's way have in common |
//! | `worker`, `parallel` | one service at work: in order, or several keys at once |
//! | `letters` | what it puts aside, and what an operator says to it |
//! | `handler` | one attempt |
//! | `listening` | what is read of the log for a service or a projection |
//! | `timers`, `trace` | what is sent at an instant; how handlings went |
//! | `forgetting` | how long it is known what services have sent |
//!
//! The services and the stored projections themselves:
//!
//! | module | does |
//! |---|---|
//! | [`welcome`] | makes newcomers at home |
//! | [`notifications`] | rings the bell |
//! | [`mail`] | mails what people are told |
//! | [`order_list`] | all orders as a list |
//! | [`analytics`] | how the shop is doing |
//! | [`search`] | full text |

pub mod analytics;
mod chunk;
pub mod courier;
pub mod faults;
mod folding;
mod forgetting;
mod handler;
pub mod inventory;
mod letters;
mod list;
mod listening;
pub mod mail;
pub mod notifications;
pub mod order_list;
pub mod orders;
mod parallel;
pub mod payment;
pub mod progress;
pub mod projection;
pub mod reaction;
pub mod reactor;
pub mod retry;
pub mod review;
pub mod runtime;
pub mod search;
pub mod shipping;
mod steps;
mod timers;
mod trace;
pub mod welcome;
mod worker;

pub use faults::Faults;
pub use list::{hospitality, order_flow, projections};
pub use progress::{State, Status};
pub use projection::{Projection, ProjectionStatus, Projections, Stored};
pub use reaction::Reaction;
pub use reactor::{Failure, Reactor, SequenceKey, Service};
pub use retry::Retry;
pub use runtime::{Runtime, Settings};
