//! Which ephemeral signals somebody may send, and who sees them. The sender says the subject and the data;
//! who sent it and who may see it is stamped here.

use domain::{Audience, Subject, UserId};
use hub::Hub;

/// The largest signal, in bytes of JSON.
const MAX_BYTES: usize = 1_024;

/// The audience of a signal, if this person may send it.
///
/// # Errors
/// A code and a sentence.
pub(super) fn audience(
    subject: &Subject,
    bytes: usize,
    user: Option<UserId>,
    hub: &Hub,
) -> Result<Audience, (&'static str, &'static str)> {
    if user.is_none() {
        return Err(("signal_sign_in_first", "Sign in to send signals."));
    }
    if bytes > MAX_BYTES {
        return Err(("signal_too_large", "A signal has at most 1024 bytes."));
    }
    let parts: Vec<&str> = subject.tokens().collect();
    match parts[..] {
        ["signal", "typing", room, who] if Some(who) == user.map(|user| user.to_string()).as_deref() => {
            let room = room.parse().map_err(|_| ("bad_signal", "There is no such signal."))?;
            let token =
                hub.room_token(&room, user).ok_or(("bad_signal", "There is no such room for you."))?;
            Ok(Audience::new([token]))
        }
        _ => Err(("bad_signal", "There is no such signal, or it is about somebody else.")),
    }
}
