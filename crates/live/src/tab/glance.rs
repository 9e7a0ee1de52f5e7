//! What a leader must know of the frames it passes on, seen without reading them: all of them were written by
//! this build's sessions, or by a server.

const HELLO_OPEN: &str = r#"{"kind":"hello","v":1,"subs":["#;

/// The kind of a frame that was written here, or by a server: the first field.
pub(super) fn kind_in(text: &str) -> &str {
    text.strip_prefix(r#"{"kind":""#).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

/// The names of the subscriptions that a frame of this build's speaks of.
pub(super) fn sids_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(r#""sid":""#).skip(1).filter_map(|rest| rest.split('"').next())
}

/// One `hello` that asks for everything that these, of this build's, ask for.
pub(super) fn merged_hello<'a>(hellos: impl Iterator<Item = &'a String>) -> String {
    let subs = hellos.filter_map(|hello| hello.strip_prefix(HELLO_OPEN)?.strip_suffix("]}"));
    let subs: Vec<&str> = subs.filter(|subs| !subs.is_empty()).collect();
    [HELLO_OPEN, &subs.join(","), "]}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frames::{ClientFrame, Hello, Sub, Unsub, VERSION},
        subscription::{OnGap, Sid},
    };

    fn hello(sids: &[&str]) -> String {
        let pattern = domain::Pattern::new("chat.>").unwrap();
        let sub = |sid: &&str| Sub::new(&Sid::new(*sid).unwrap(), &pattern, None, OnGap::Replay);
        ClientFrame::Hello(Hello { v: VERSION, subs: sids.iter().map(sub).collect() }).encode()
    }

    #[test]
    fn several_hellos_are_one() {
        let hellos = [hello(&["a-1-feed", "a-2-rooms"]), hello(&[]), hello(&["b-1-feed"])];
        assert_eq!(merged_hello(hellos.iter()), hello(&["a-1-feed", "a-2-rooms", "b-1-feed"]));
        assert_eq!(merged_hello([].iter()), hello(&[]));
    }

    #[test]
    fn what_was_written_here_is_told_apart_without_reading_it_all() {
        let hello = hello(&["a-1-feed", "a-2-rooms"]);
        assert_eq!((kind_in(&hello), sids_in(&hello).collect()), ("hello", vec!["a-1-feed", "a-2-rooms"]));
        let unsub = ClientFrame::Unsub(Unsub { sid: "a-1-feed".into() }).encode();
        assert_eq!((kind_in(&unsub), sids_in(&unsub).collect()), ("unsub", vec!["a-1-feed"]));
        assert_eq!((kind_in(&ClientFrame::Pong.encode()), kind_in("x")), ("pong", ""));
    }
}
