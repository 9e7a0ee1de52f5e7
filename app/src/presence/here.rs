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
    connected: bool,
    /// How often the connection came and went.
    turns: u32,
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

    /// The connection came or went. While there is none nobody says who leaves, so everybody is doubted.
    /// Returns what to call [`Self::settle`] with after a while.
    pub(super) fn turned(&mut self, connected: bool) -> u32 {
        if !connected {
            self.people.values_mut().for_each(|known| known.doubted = true);
        }
        self.connected = connected;
        self.turns = self.turns.wrapping_add(1);
        self.turns
    }

    /// It stayed so since that turn: whoever was not heard of again is taken for away; without a connection,
    /// for unknown.
    pub(super) fn settle(&mut self, turn: u32) {
        if turn == self.turns {
            self.people.retain(|_, known| !known.doubted);
            self.known = self.connected && self.known;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BO: UserId = UserId(Uuid::from_u128(2));
    const ONLINE: Option<State> = Some(State::Online);
    const AWAY: Option<State> = Some(State::Away);

    fn both() -> Here {
        let mut here = Here::default();
        let turn = here.turned(true);
        here.hear(ADA, State::Online);
        here.hear(BO, State::Online);
        here.settle(turn);
        here
    }

    #[test]
    fn before_anything_is_said_nothing_is_known_and_then_who_is_not_named_is_away() {
        let mut here = Here::default();
        assert_eq!(here.state(ADA), None);
        here.hear(BO, State::Idle);
        assert_eq!((here.state(ADA), here.state(BO)), (AWAY, Some(State::Idle)));
        here.hear(BO, State::Away);
        assert_eq!(here.state(BO), AWAY);
    }

    #[test]
    fn after_a_break_what_was_known_stays_until_it_was_not_said_again_for_long() {
        let mut here = both();
        let broken = here.turned(false);
        let mended = here.turned(true);
        here.hear(ADA, State::Online);
        // The time that began with the break has no meaning any more.
        here.settle(broken);
        assert_eq!((here.state(ADA), here.state(BO)), (ONLINE, ONLINE));
        here.settle(mended);
        assert_eq!((here.state(ADA), here.state(BO)), (ONLINE, AWAY));
    }

    #[test]
    fn long_without_a_connection_nothing_is_known() {
        let mut here = both();
        let broken = here.turned(false);
        assert_eq!(here.state(ADA), ONLINE);
        here.settle(broken);
        assert_eq!(here.state(ADA), None);
    }
}
