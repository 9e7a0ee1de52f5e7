//! Makes newcomers at home: a wallet with something in it, and a word of welcome behind the bell. (Only people
//! speak in rooms, so nobody is greeted there.)

use domain::{Cents, Envelope, Event, notification::Raise, wallet::Open};

use crate::{Failure, Reaction, Reactor};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Welcome {
    /// What the shop gives a newcomer to begin with.
    pub credit: Cents,
}

impl Reactor for Welcome {
    const NAME: &'static str = "welcome";
    const PATTERNS: &'static [&'static str] = &["account.*.registered"];

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::AccountRegistered(newcomer) = &event.event else { return Ok(()) };
        let user = newcomer.user;
        unit.command("wallet", Open { user, credit_cents: self.credit });
        let text = match self.credit {
            Cents::ZERO => "Welcome! Say hello in one of the rooms.".to_owned(),
            credit => format!("Welcome! Your wallet holds {credit}. Say hello in one of the rooms."),
        };
        unit.command("welcome", Raise { user, text, link: Some("/chat".into()) });
        Ok(())
    }
}
