//! How calls travel: as JSON, and commands to their end even if the page is left meanwhile.

use std::future::Future;

use futures::{Sink, Stream};
use js_sys::Reflect;
use leptos::server_fn::{
    Bytes, ContentType, Decodes, Encodes, Format, FormatType,
    client::{Client, browser::BrowserClient},
    codec::Post,
    request::browser::{BrowserRequest, Request},
    response::browser::BrowserResponse,
};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::RequestInit;

use crate::fault::Fault;

/// Arguments and answers are JSON in the body.
pub(super) type Json = Post<Text>;

/// JSON that is read from a `str`, as everything else that the page reads. The library's own reads it from bytes,
/// which is all of reading once more: 6 % of the page's code.
pub struct Text;

impl ContentType for Text {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Text {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for Text {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_string(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for Text {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).map_err(serde::de::Error::custom)?)
    }
}

/// The browser's client, except that a request on its way arrives even if the page is left meanwhile (`keepalive`
/// of the Fetch standard; the page shows the command as done by then). Browsers carry 64 KiB so, and no command is
/// nearly as large.
pub struct Lasting;

impl Client<Fault> for Lasting {
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    fn send(mut request: BrowserRequest) -> impl Future<Output = Result<BrowserResponse, Fault>> + Send {
        last(&mut request);
        <BrowserClient as Client<Fault>>::send(request)
    }

    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static),
            Fault,
        >,
    > + Send {
        <BrowserClient as Client<Fault>>::open_websocket(path)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<Fault>>::spawn(future);
    }
}

/// Has a request outlive the page, in a browser that can.
fn last(request: &mut Request) {
    let init = RequestInit::new();
    let set = Reflect::set(&init, &"keepalive".into(), &true.into());
    if let (Ok(true), Ok(none)) = (set, web_sys::Request::new_with_str("")) {
        let raw: web_sys::Request = std::mem::replace(request, none.into()).into();
        *request = web_sys::Request::new_with_request_and_init(&raw, &init).unwrap_or(raw).into();
    }
}
