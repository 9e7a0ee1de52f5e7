//! Who is typing, and when others are told that oneself is. Pure: instants are milliseconds of one clock.

use domain::UserId;

/// Somebody of whom nothing more is heard for this long has stopped, in milliseconds.
pub(super) const LASTS_MS: i64 = 5_000;

/// How often others are told while one goes on typing, in milliseconds.
const EVERY_MS: i64 = 3_000;

/// Who is typing in a room, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typists(Vec<Typist>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Typist {
    user: UserId,
    name: String,
    until: i64,
}

impl Typists {
    /// Somebody says that they type, or go on typing.
    pub(super) fn hear(&mut self, user: UserId, name: String, now: i64) {
        let until = now + LASTS_MS;
        match self.0.iter_mut().find(|typist| typist.user == user) {
            Some(typist) => *typist = Typist { user, name, until },
            None => self.0.push(Typist { user, name, until }),
        }
    }

    /// Somebody has stopped, or has said what they had to say.
    pub(super) fn stop(&mut self, user: UserId) {
        self.0.retain(|typist| typist.user != user);
    }

    /// Whether somebody is typing.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.0.iter().any(|typist| typist.user == user)
    }

    /// Forgets whoever has stopped without saying so.
    pub(super) fn tick(&mut self, now: i64) {
        self.0.retain(|typist| now < typist.until);
    }

    /// A sentence, if anybody is typing.
    pub(super) fn sentence(&self) -> Option<String> {
        match &self.0[..] {
            [] => None,
            [one] => Some(format!("{} is typing", one.name)),
            [one, other] => Some(format!("{} and {} are typing", one.name, other.name)),
            _ => Some("Several people are typing".to_owned()),
        }
    }
}

/// What others know of one's own typing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Composing {
    /// When they were told last that one types; `None` if they know that one does not.
    told: Option<i64>,
}

impl Composing {
    /// There is more of a text. Returns what others are to be told, if anything.
    pub(super) fn typed(&mut self, now: i64) -> Option<bool> {
        let tell = self.told.is_none_or(|told| now - told >= EVERY_MS || now < told);
        if tell {
            self.told = Some(now);
        }
        tell.then_some(true)
    }

    /// The text was sent, given up or left. Returns what others are to be told, if anything.
    pub(super) fn stop(&mut self, now: i64) -> Option<bool> {
        // After that long they know by themselves.
        self.told.take().filter(|told| now - told < LASTS_MS).map(|_| false)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BO: UserId = UserId(Uuid::from_u128(2));
    const OLGA: UserId = UserId(Uuid::from_u128(3));

    fn all() -> Typists {
        let mut typists = Typists::default();
        for (nth, (user, name)) in [(BO, "Bo"), (OLGA, "Olga"), (ADA, "Ada")].into_iter().enumerate() {
            typists.hear(user, name.into(), nth as i64 * 1_000);
        }
        typists
    }

    #[test]
    fn one_two_and_many_are_named_in_the_order_in_which_they_began() {
        let mut typists = all();
        assert_eq!(typists.sentence().unwrap(), "Several people are typing");
        typists.stop(ADA);
        typists.hear(BO, "Bo".into(), 4_000);
        assert_eq!(typists.sentence().unwrap(), "Bo and Olga are typing");
        typists.stop(OLGA);
        assert_eq!(typists.sentence().unwrap(), "Bo is typing");
        typists.stop(BO);
        assert_eq!(typists.sentence(), None);
    }

    #[test]
    fn who_does_not_renew_it_has_stopped_after_five_seconds() {
        let mut typists = all();
        typists.hear(BO, "Bo".into(), 3_000);
        typists.tick(5_999);
        assert!(typists.has(OLGA));
        typists.tick(7_000);
        assert_eq!(typists.sentence().unwrap(), "Bo is typing");
        typists.tick(8_000);
        assert_eq!(typists.sentence(), None);
    }

    #[test]
    fn others_are_told_every_three_seconds_and_once_when_it_is_over() {
        let mut composing = Composing::default();
        let told: Vec<i64> =
            (0..80).map(|key| key * 100).filter(|now| composing.typed(*now) == Some(true)).collect();
        assert_eq!(told, [0, 3_000, 6_000]);
        assert_eq!(composing.stop(8_000), Some(false));
        assert_eq!(composing.stop(8_100), None);
        assert_eq!(composing.stop(8_200), None);
        assert_eq!(composing.typed(8_300), Some(true));
        assert_eq!(composing.stop(8_400), Some(false));
    }

    #[test]
    fn what_is_over_by_itself_need_not_be_ended() {
        let mut composing = Composing::default();
        assert_eq!(composing.typed(0), Some(true));
        assert_eq!(composing.stop(5_000), None);
    }
}
