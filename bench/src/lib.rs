//! Hubbub under load, beside a yardstick in the same run, because a number on a shared machine means little and a ratio
//! means something.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | what can be measured, by name |
//! | [`soak`] | clients behind lines that break, and a redeployment: everybody ends equal to the log |
//! | [`hostile`] | strangers who do everything that a server has to bear, while two people go on talking |
//! | [`relay`] | a line that breaks where it is told to |
//! | `fanout`, `saturate`, `idle` | one text to very many readers; ever more texts; no text at all |
//! | `appends` | durable appends beside raw SQLite |
//! | [`order_soak`] | orders on their way while the server is killed again and again: none is lost, nothing happens twice |
//! | `orders` | orders through the whole saga: how many a second, at what cost, how soon confirmed |
//! | `shop` | customers and staff who insist |
//! | `late`, `log` | restarts, replay and laggards over a large log, and how that is made |
//! | `crowd`, `publisher` | the readers and the writers of a run; they must cost little |
//! | `wire`, `http` | as much of the protocols as they need |
//! | [`process`] | the server as a process, and what it used |
//! | `yardstick` | what it is measured beside |
//! | `report` | the table and the JSON file |

mod appends;
pub mod cli;
mod crowd;
mod fanout;
pub mod hostile;
mod http;
mod idle;
mod late;
mod log;
pub mod order_soak;
mod orders;
pub mod process;
mod publisher;
pub mod relay;
mod report;
mod saturate;
mod shop;
pub mod soak;
mod wire;
mod yardstick;

/// What goes wrong here is told to a person and ends the run.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
