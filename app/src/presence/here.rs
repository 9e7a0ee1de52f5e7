//! What is known of whom. Pure.

use std::collections::HashMap;

use domain::UserId;
use live::presence::State;

/// Everybody of whom something is known. Whoever is not in it is away.
#[derive(Debug, Clone, Default)]
pub(super) struct Here {
    /// Whether the server has said anything yet.
    known: bool,
    people: HashMap<UserId, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    state: State,
    /// Whether it was said over a connection that has broken since, and not again.
    doubted: bool,
}

impl Here {
    /// What is known of somebody; `None` while nothing is known of anybody.
    pub(super) fn state(&self, user: UserId) -> Option<State> {
        let away = self.known.then_some(State::Away);
        self.people.get(&user).map(|known| known.state).or(away)
    }

    /// The server says something.
    pub(super) fn hear(&mut self, user: UserId, state: State) {
        self.known = true;
        if state == State::Away {
            self.people.remove(&user);
        } else {
            self.people.insert(user, Known { state, doubted: false });
        }
    }

    /// The connection broke: everybody may have left by now.
    pub(super) fn doubt(&mut self) {
        self.people.values_mut().for_each(|known| known.doubted = true);
    }

    /// Whoever was not heard of again is taken for away; without a connection, for unknown.
    pub(super) fn forget_doubted(&mut self, connected: bool) {
        self.people.retain(|_, known| !known.doubted);
        self.known = connected && self.known;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BO: UserId = UserId(Uuid::from_u128(2));

    #[test]
    fn before_anything_is_said_nothing_is_known_and_then_who_is_not_named_is_away() {
        let mut here = Here::default();
        assert_eq!(here.state(ADA), None);
        here.hear(BO, State::Idle);
        assert_eq!((here.state(ADA), here.state(BO)), (Some(State::Away), Some(State::Idle)));
        here.hear(BO, State::Away);
        assert_eq!(here.state(BO), Some(State::Away));
    }

    #[test]
    fn after_a_break_what_was_known_stays_until_it_was_not_said_again_for_long() {
        let mut here = Here::default();
        here.hear(ADA, State::Online);
        here.hear(BO, State::Online);
        here.doubt();
        assert_eq!((here.state(ADA), here.state(BO)), (Some(State::Online), Some(State::Online)));
        here.hear(ADA, State::Online);
        here.forget_doubted(true);
        assert_eq!((here.state(ADA), here.state(BO)), (Some(State::Online), Some(State::Away)));
    }

    #[test]
    fn long_without_a_connection_nothing_is_known() {
        let mut here = Here::default();
        here.hear(ADA, State::Online);
        here.doubt();
        here.forget_doubted(false);
        assert_eq!(here.state(ADA), None);
    }
}
