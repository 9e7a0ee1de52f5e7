//! What comes over the wire: no text makes either side panic, and what is read is written back with the same meaning.

#![no_main]

use libfuzzer_sys::fuzz_target;
use live::{
    ClientConfig, ClientFrame, ClientSession, OnGap, ServerConfig, ServerFrame, ServerSession, frames,
};

const WELCOME: &str = r#"{"kind":"welcome","conn":"c","epoch":"0000000000000001","head":9,"build":"b","ping_ms":25000,"limits":{"frame_bytes":65536,"subscriptions":128,"subscribes_per_s":20,"signals_per_s":20}}"#;

fuzz_target!(|text: &str| {
    for frame in frames::split(text) {
        if let Ok(read) = ClientFrame::parse(frame) {
            let written = read.encode();
            let again = ClientFrame::parse(&written).expect("what was written is read");
            assert_eq!(written, again.encode());
        }
        if let Ok(read) = ServerFrame::parse(frame) {
            let written = read.encode();
            let again = std::str::from_utf8(&written).expect("frames are text");
            let again = ServerFrame::parse(again).expect("what was written is read");
            assert_eq!(written, again.encode());
        }
    }
    server(text);
    client(text);
});

/// A server that hears the text instead of `hello`, and after it.
fn server(text: &str) {
    let epoch = domain::Epoch(1);
    for hello in [None, Some(r#"{"kind":"hello","v":1,"subs":[{"sid":"a","match":">"}]}"#)] {
        let mut session = ServerSession::new(ServerConfig::new("c", epoch, domain::Position(9), "b"), 0);
        for (now, text) in (1..).zip(hello.into_iter().chain([text, text])) {
            session.on_text(text, now);
            while session.poll().is_some() {}
        }
        session.on_tick(u64::MAX);
        while session.poll().is_some() {}
    }
}

/// A page that hears the text instead of `welcome`, and after it.
fn client(text: &str) {
    for welcome in [None, Some(WELCOME)] {
        let mut session = ClientSession::new(ClientConfig::new(1));
        let (sid, pattern) = (live::Sid::new("a"), domain::Pattern::new("chat.>"));
        if let (Ok(sid), Ok(pattern)) = (sid, pattern) {
            session.subscribe(sid, pattern, None, OnGap::Resync(3));
        }
        session.start(0);
        while session.poll().is_some() {}
        session.on_open(1);
        for text in welcome.into_iter().chain([text, text]) {
            session.on_text(text, 2);
            while session.poll().is_some() {}
        }
        session.on_tick(u64::MAX);
        session.on_close(Some(4200), u64::MAX);
        while session.poll().is_some() {}
    }
}
