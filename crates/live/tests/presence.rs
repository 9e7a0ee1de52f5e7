//! Who is here, rule by rule; and random histories against the definition.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

use domain::UserId;
use live::presence::{
    Config, Presence,
    State::{self, Away, Idle, Online},
};
use proptest::prelude::*;
use uuid::Uuid;

const ADA: UserId = UserId(Uuid::from_u128(1));
const BO: UserId = UserId(Uuid::from_u128(2));
const CONFIG: Config = Config { idle_ms: 300, grace_ms: 15, settle_ms: 5 };

/// What was said so far and not looked at yet.
fn said(presence: &mut Presence) -> Vec<(UserId, State)> {
    std::iter::from_fn(|| presence.poll()).collect()
}

/// Lets time pass as a driver does, and says when what was said.
fn pass(presence: &mut Presence, until: u64) -> Vec<(u64, UserId, State)> {
    let mut all = vec![];
    while let Some(at) = presence.next_timer().filter(|at| *at <= until) {
        presence.tick(at);
        all.extend(said(presence).into_iter().map(|(user, state)| (at, user, state)));
    }
    all
}

#[test]
fn who_is_connected_and_active_is_online_then_idle_then_away() {
    let mut presence = Presence::new(CONFIG);
    presence.connected(ADA, 0);
    presence.active(ADA, 100, 0);
    assert_eq!(said(&mut presence), [(ADA, Online)]);
    assert_eq!(pass(&mut presence, 1_000), [(200, ADA, Idle)]);
    presence.active(ADA, 0, 1_000);
    assert_eq!(said(&mut presence), [(ADA, Online)]);
    presence.disconnected(ADA, 1_100);
    assert_eq!(pass(&mut presence, 2_000), [(1_115, ADA, Away)]);
    assert_eq!(presence.next_timer(), None);
}

#[test]
fn several_tabs_and_devices_are_one_person() {
    let mut presence = Presence::new(CONFIG);
    presence.connected(ADA, 0);
    presence.active(ADA, 0, 0);
    presence.connected(ADA, 10);
    // A tab that nobody has touched for long does not make the person idle.
    presence.active(ADA, 10_000, 10);
    presence.disconnected(ADA, 20);
    assert_eq!(said(&mut presence), [(ADA, Online)]);
    assert_eq!(pass(&mut presence, 299), []);
    presence.disconnected(ADA, 299);
    assert_eq!(pass(&mut presence, 1_000), [(300, ADA, Idle), (314, ADA, Away)]);
}

#[test]
fn coming_back_within_the_grace_changes_nothing() {
    let mut presence = Presence::new(CONFIG);
    presence.connected(ADA, 0);
    presence.active(ADA, 0, 0);
    assert_eq!(said(&mut presence), [(ADA, Online)]);
    for reload in (20..200).step_by(20) {
        presence.disconnected(ADA, reload);
        presence.connected(ADA, reload + 14);
        assert_eq!(pass(&mut presence, reload + 14), []);
    }
    assert_eq!(pass(&mut presence, 1_000), [(300, ADA, Idle)]);
}

#[test]
fn coming_back_after_the_grace_is_coming_anew() {
    let mut presence = Presence::new(CONFIG);
    presence.connected(ADA, 0);
    presence.active(ADA, 0, 0);
    presence.disconnected(ADA, 10);
    // The driver was late; the grace was over all the same.
    presence.connected(ADA, 26);
    assert_eq!(said(&mut presence), [(ADA, Online), (ADA, Away)]);
    assert_eq!(pass(&mut presence, 1_000), [(31, ADA, Idle)]);
}

#[test]
fn of_a_newcomer_nothing_is_said_until_they_report_or_are_seen_to_do_nothing() {
    let mut presence = Presence::new(CONFIG);
    presence.connected(ADA, 0);
    presence.connected(BO, 0);
    assert_eq!(said(&mut presence), []);
    presence.active(ADA, 0, 4);
    assert_eq!(said(&mut presence), [(ADA, Online)]);
    assert_eq!(pass(&mut presence, 100), [(5, BO, Idle)]);
    presence.active(BO, 400, 100);
    assert_eq!(said(&mut presence), [], "what was long ago is no activity");
}

#[test]
fn who_was_never_said_to_be_here_is_not_said_to_be_away() {
    let mut presence = Presence::new(Config { settle_ms: 100, ..CONFIG });
    presence.connected(ADA, 0);
    presence.disconnected(ADA, 1);
    assert_eq!(pass(&mut presence, 1_000), []);
    assert_eq!(presence.next_timer(), None);
}

#[test]
fn a_report_or_an_end_from_nowhere_makes_nobody_present() {
    let mut presence = Presence::new(CONFIG);
    presence.active(ADA, 0, 0);
    presence.disconnected(ADA, 0);
    assert_eq!(said(&mut presence), []);
    assert_eq!(presence.next_timer(), None);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Connect(UserId),
    /// Of a connection that there is; of none, nothing happens.
    Disconnect(UserId),
    Active(UserId, u64),
    /// The driver's timer, late or for nothing.
    Tick,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let who = prop_oneof![Just(ADA), Just(BO)];
    let what = prop_oneof![
        who.clone().prop_map(Step::Connect),
        who.clone().prop_map(Step::Disconnect),
        (who, 0_u64..400).prop_map(|(user, idle)| Step::Active(user, idle)),
        Just(Step::Tick),
    ];
    // Short against the grace, about it, and about the time until idle.
    (prop_oneof![0_u64..8, 10_u64..20, 100_u64..400], what)
}

/// The definition, from the whole history of one person up to now. `None`: not decided, or never here.
fn defined(history: &[(u64, Step)], user: UserId, now: u64) -> Option<State> {
    let (mut connections, mut here) = (0, false);
    let (mut came, mut left, mut last) = (0, 0, None::<i128>);
    for (at, step) in history {
        if here && connections == 0 && *at >= left + CONFIG.grace_ms {
            (here, last) = (false, None);
        }
        match step {
            Step::Connect(who) if *who == user => {
                if !here {
                    (here, came) = (true, *at);
                }
                connections += 1;
            }
            Step::Disconnect(who) if *who == user && connections > 0 => {
                connections -= 1;
                left = *at;
            }
            Step::Active(who, idle) if *who == user && here => {
                last = last.max(Some(i128::from(*at) - i128::from(*idle)));
            }
            _ => {}
        }
    }
    if !here || (connections == 0 && now >= left + CONFIG.grace_ms) {
        return Some(Away);
    }
    match last {
        Some(last) if i128::from(now) - last < i128::from(CONFIG.idle_ms) => Some(Online),
        None if now < came + CONFIG.settle_ms => None,
        _ => Some(Idle),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is shown is always what the definition says; nothing is said twice; in the end nobody is kept.
    #[test]
    fn what_is_shown_is_the_definition(steps in prop::collection::vec(step(), 1..60)) {
        let mut presence = Presence::new(CONFIG);
        let mut history: Vec<(u64, Step)> = vec![];
        let mut shown: HashMap<UserId, State> = HashMap::new();
        let mut open: HashMap<UserId, usize> = HashMap::new();
        let mut now = 0;
        let end = [(100_000, Step::Tick)];
        for (wait, step) in steps.iter().chain(&end) {
            now += wait;
            if *wait == 100_000 {
                for (user, connections) in open.drain() {
                    for _ in 0..connections {
                        presence.disconnected(user, now);
                        history.push((now, Step::Disconnect(user)));
                    }
                }
                now += wait;
            }
            match *step {
                Step::Connect(user) => {
                    *open.entry(user).or_default() += 1;
                    presence.connected(user, now);
                }
                Step::Disconnect(user) => {
                    let open = open.entry(user).or_default();
                    if *open == 0 {
                        continue;
                    }
                    *open -= 1;
                    presence.disconnected(user, now);
                }
                Step::Active(user, idle) => presence.active(user, idle, now),
                Step::Tick => presence.tick(now),
            }
            history.push((now, *step));
            while let Some((user, state)) = presence.poll() {
                let before = shown.insert(user, state);
                prop_assert_ne!(before, Some(state), "said twice");
            }
            if let Some(at) = presence.next_timer() {
                prop_assert!(at > now, "a timer that has passed");
            }
            for user in [ADA, BO] {
                let shown = shown.get(&user).copied().unwrap_or(Away);
                // While it is not decided, what was shown before stays.
                if let Some(defined) = defined(&history, user, now) {
                    prop_assert_eq!(shown, defined, "{:?} at {}", user, now);
                }
            }
        }
        prop_assert_eq!(presence.next_timer(), None);
        prop_assert_eq!(shown.values().filter(|state| **state != Away).count(), 0);
    }
}
