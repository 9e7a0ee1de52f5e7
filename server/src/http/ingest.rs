//! `POST /api/ingest`: the HTTP binding of CloudEvents 1.0, in its three modes. What comes of an event, the
//! backend says; here it is only read.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use backend::{Caller, Outside, ingest::TYPES};
use domain::{Scope, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{
    api::JSON,
    call::{Call, component},
};
use crate::{problem::Problem, state::AppState};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";

/// What any CloudEvent has, in any mode.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

pub(super) fn calls() -> Vec<Call> {
    let event = json!({
        "specversion": "1.0",
        "id": "7f3a-0042",
        "source": "couriers/7",
        "type": "courier.position_reported",
        "data": {
            "order": "01934a5c-0000-7000-8000-000000000100",
            "latitude_e6": 52_520_008, "longitude_e6": 13_404_954,
        },
    });
    let content = json!({
        STRUCTURED: { "schema": component("OutsideEvent"), "example": event },
        BATCHED: {
            "schema": { "type": "array", "items": component("OutsideEvent") },
            "example": [event],
        },
        JSON: { "schema": { "type": "object" }, "example": event["data"] },
    });
    let about = format!(
        "Structured, batched, or binary (`ce-*` headers; the body is the data). Let in are {}: the data is that \
         of the command it stands for. An event with a `source` and `id` that came before changes nothing and is \
         answered alike. Of a batch each event is taken in, or refused, by itself: 200 says all were taken in, \
         207 that some were not, and the results, in order, say which. For the shop's staff.",
        TYPES.map(|(kind, command)| format!("`{kind}` (`{command}`)")).join(", "),
    );
    vec![
        Call::post("ingest", "/api/ingest", ingest)
            .says("Events", "Bring events in from outside", &about)
            .needs(Scope::Ingest)
            .bodies(content)
            .answers(
                200,
                "Taken in.",
                Some((JSON, json!({ "anyOf": [component("Receipt"), component("Ingested")] }))),
            )
            .answers(207, "Some of a batch were not.", Some((JSON, component("Ingested"))))
            .problems(&[
                (400, "ingest.bad_data"),
                (400, "ingest.bad_name"),
                (400, "ingest.malformed"),
                (403, "ingest.forbidden"),
                (404, "shipment.no_shipment"),
                (404, "stock.no_product"),
                (409, "ingest.id_reused"),
                (409, "shipment.not_on_its_way"),
                (415, "ingest.unsupported"),
                (422, "ingest.unknown_type"),
                (422, "shipment.bad_position"),
                (422, "stock.bad_quantity"),
                (429, "request.too_many"),
                (503, "server.closing"),
                (503, "store.unavailable"),
            ]),
    ]
}

async fn ingest(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    state.backend.may_ingest(&caller)?;
    let kind = headers.get(header::CONTENT_TYPE).map_or(Ok(""), |kind| kind.to_str());
    let kind = kind.map_err(|_| malformed("the content type is not ASCII"))?;
    let event = match media_type(kind)?.as_str() {
        BATCHED => return batch(&state, &caller, &body).await,
        STRUCTURED => structured(json_of(&body)?)?,
        other if other.starts_with("application/cloudevents") => return Err(unsupported(other)),
        other if headers.contains_key("ce-specversion") => binary(&headers, other, &body)?,
        _ => {
            let what = format!("this is no CloudEvent: send {STRUCTURED}, {BATCHED}, or ce-* headers");
            return Err(malformed(what));
        }
    };
    Ok(Json(state.backend.ingest_for(&caller, &event).await?).into_response())
}

/// Each event by itself and in order. The answer has a result for each.
async fn batch(state: &AppState, caller: &Caller, body: &[u8]) -> Result<Response, Problem> {
    let Value::Array(events) = json_of(body)? else {
        return Err(malformed("a batch is an array of events"));
    };
    let mut results = Vec::with_capacity(events.len());
    let mut all = true;
    for event in events {
        let named = json!({ "source": event["source"], "id": event["id"] });
        let taken = match structured(event) {
            Ok(event) => state.backend.ingest_for(caller, &event).await.map_err(Problem::from),
            Err(problem) => Err(problem),
        };
        all &= taken.is_ok();
        let mut result = named;
        match taken {
            Ok(receipt) => {
                result["status"] = 200.into();
                result["receipt"] = json!(receipt);
            }
            Err(problem) => {
                result["status"] = problem.status.into();
                result["problem"] = json!(problem);
            }
        }
        results.push(result);
    }
    let status = if all { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok((status, Json(json!({ "results": results }))).into_response())
}

/// An event that is one JSON object.
fn structured(event: Value) -> Result<Outside, Problem> {
    let Value::Object(mut attributes) = event else {
        return Err(malformed("an event is a JSON object"));
    };
    if attributes.contains_key("data_base64") {
        return Err(malformed("data_base64 is not taken: send JSON as data"));
    }
    let data = attributes.remove("data").unwrap_or(Value::Null).to_string();
    outside(&attributes, data)
}

/// An event whose attributes are headers, and whose data is the body.
fn binary(headers: &HeaderMap, kind: &str, body: &[u8]) -> Result<Outside, Problem> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let bad = || malformed(format!("the header ce-{name} is not percent-encoded UTF-8"));
        let value =
            percent_decode_str(value.to_str().map_err(|_| bad())?).decode_utf8().map_err(|_| bad())?;
        if attributes.insert(name.to_owned(), value.into()).is_some() {
            return Err(malformed(format!("the header ce-{name} is there twice")));
        }
    }
    if attributes.contains_key("datacontenttype") {
        return Err(malformed("in binary mode the content type is a header of its own"));
    }
    if !kind.is_empty() {
        attributes.insert("datacontenttype".to_owned(), kind.into());
    }
    let data = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    outside(&attributes, data.to_owned())
}

/// Checks the attributes, whatever mode they came in.
fn outside(attributes: &Map<String, Value>, data: String) -> Result<Outside, Problem> {
    for (name, value) in attributes {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            let name: String = name.chars().take(40).collect();
            return Err(malformed(format!(
                "{name:?} is no attribute: those are lower-case letters and digits"
            )));
        }
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err(malformed(format!("the attribute {name} is neither a text, a number nor a truth")));
        }
    }
    let text = |name: &str| match attributes.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        Some(_) => Err(malformed(format!("the attribute {name} is not a text, or empty"))),
    };
    let required =
        |name: &str| text(name)?.ok_or_else(|| malformed(format!("the attribute {name} is missing")));
    let [version, id, source, kind] = REQUIRED.map(required);
    if version? != "1.0" {
        return Err(malformed("only version 1.0 of CloudEvents is known here (specversion)"));
    }
    if let Some(kind) = text("datacontenttype")? {
        let kind = media_type(kind)?;
        if kind != JSON && !kind.ends_with("+json") {
            return Err(unsupported(&kind));
        }
    }
    if let Some(time) = text("time")? {
        time.parse::<Timestamp>().map_err(|why| malformed(format!("time: {why}")))?;
    }
    Ok(Outside { source: source?.to_owned(), id: id?.to_owned(), kind: kind?.to_owned(), data })
}

fn json_of(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| malformed(format!("the body is not JSON: {error}")))
}

/// The type without its parameters. Whatever is JSON is UTF-8.
fn media_type(text: &str) -> Result<String, Problem> {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    match parts.find_map(|part| part.strip_prefix("charset=").map(|of| of.trim_matches('"').to_owned())) {
        Some(charset) if charset != "utf-8" && charset != "us-ascii" => Err(unsupported(&charset)),
        _ => Ok(kind),
    }
}

fn malformed(why: impl std::fmt::Display) -> Problem {
    Problem::bad_request("ingest.malformed", format!("The event is malformed: {why}."))
}

fn unsupported(what: &str) -> Problem {
    Problem::new(415, "ingest.unsupported", format!("“{what}” is not taken: send JSON in UTF-8."))
}
