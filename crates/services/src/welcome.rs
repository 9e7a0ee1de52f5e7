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
    const PATTERNS: &'static [&'static str] = &["account.*.registered", "wallet.*.opened"];

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        match &event.event {
            Event::AccountRegistered(newcomer) => {
                unit.command("wallet", Open { user: newcomer.user, credit_cents: self.credit });
            }
            // Somebody else may have opened it, with something else in it.
            Event::WalletOpened(wallet) => {
                let text = match wallet.credit_cents {
                    Cents::ZERO => "Welcome! Say hello in one of the rooms.".to_owned(),
                    credit => format!("Welcome! Your wallet holds {credit}. Say hello in one of the rooms."),
                };
                unit.command("welcome", Raise { user: wallet.user, text, link: Some("/chat".into()) });
            }
            _ => {}
        }
        Ok(())
    }
}
