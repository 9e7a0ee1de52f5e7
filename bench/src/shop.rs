//! People of a shop who act through its API, and go on whatever becomes of the server: what does not come through
//! is sent again under the same key.

use std::{net::SocketAddr, time::Duration};

use domain::{Cents, Envelope, Event, OrderId, Position, Recorded, Sku, UserId, wallet::MAX_DEPOSIT};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::sleep};
use uuid::Uuid;

use crate::{
    Failure,
    http::{Http, Refused},
};

/// How long to wait before something is sent again.
const AGAIN: Duration = Duration::from_millis(20);

/// How many register at once: the server hashes few passwords at a time and lets few wait.
const REGISTER_AT_ONCE: usize = 16;

/// The most events in one page of the log.
const PAGE: usize = 1_000;

/// Somebody who calls the server, wherever it is by now.
pub(crate) struct Caller {
    target: watch::Receiver<SocketAddr>,
    token: String,
    http: Option<Http>,
}

/// What is asked of the server.
struct Request<'a> {
    method: &'a str,
    path: String,
    headers: String,
    body: String,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Recorded>,
    next: Position,
}

impl Caller {
    pub(crate) fn new(target: &watch::Receiver<SocketAddr>, token: &str) -> Self {
        Self { target: target.clone(), token: token.to_owned(), http: None }
    }

    /// One of the demo people.
    pub(crate) async fn persona(target: &watch::Receiver<SocketAddr>, handle: &str) -> Result<Self, Failure> {
        let addr = *target.borrow();
        Ok(Self::new(target, &Http::sign_in(addr, handle).await?))
    }

    /// The same person on another connection.
    pub(crate) fn again(&self) -> Self {
        Self::new(&self.target, &self.token)
    }

    /// The bearer token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Carries a command out, once for each key.
    pub(crate) async fn command(&mut self, name: &str, key: Uuid, data: &Value) -> Result<(), Refused> {
        let path = format!("/api/commands/{name}");
        let headers = format!("Idempotency-Key: {key}\r\n");
        self.insist(Request { method: "POST", path, headers, body: data.to_string() }).await.map(drop)
    }

    /// Brings an event in from outside, once for each source and id.
    pub(crate) async fn bring_in(
        &mut self,
        source: &str,
        id: &str,
        kind: &str,
        data: &Value,
    ) -> Result<(), Refused> {
        let headers = "Content-Type: application/cloudevents+json\r\n".to_owned();
        let event = json!({"specversion": "1.0", "source": source, "id": id, "type": kind, "data": data});
        let (path, body) = ("/api/ingest".to_owned(), event.to_string());
        self.insist(Request { method: "POST", path, headers, body }).await.map(drop)
    }

    /// Reads on in the log, as far as this person may see it, to its end.
    pub(crate) async fn read(
        &mut self,
        pattern: &str,
        after: &mut Position,
    ) -> Result<Vec<Envelope>, Failure> {
        let mut events = Vec::new();
        // The one character of patterns that an address must not hold.
        let pattern = pattern.replace('>', "%3E");
        loop {
            let path = format!("/api/events?match={pattern}&after={after}&limit={PAGE}");
            let page: Page = serde_json::from_slice(&self.get(path).await?)?;
            for recorded in &page.events {
                events.push(recorded.decode()?);
            }
            if page.next == *after {
                return Ok(events);
            }
            *after = page.next;
        }
    }

    /// How far the log is.
    pub(crate) async fn head(&mut self) -> Result<u64, Failure> {
        let ready: Value = serde_json::from_slice(&self.get("/readyz".to_owned()).await?)?;
        Ok(ready["position"].as_u64().ok_or("the server does not say where its log ends")?)
    }

    async fn get(&mut self, path: String) -> Result<Vec<u8>, Refused> {
        self.insist(Request { method: "GET", path, headers: String::new(), body: String::new() }).await
    }

    /// Sends it until there is an answer to it.
    async fn insist(&mut self, request: Request<'_>) -> Result<Vec<u8>, Refused> {
        loop {
            match self.attempt(&request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => match error.downcast::<Refused>() {
                    Ok(refused) if !refused.is_passing() => return Err(*refused),
                    _ => sleep(AGAIN).await,
                },
            }
        }
    }

    async fn attempt(&mut self, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
        let mut http = match self.http.take() {
            Some(http) => http,
            None => {
                let addr = *self.target.borrow();
                Http::connect(addr).await?
            }
        };
        let Request { method, path, headers, body } = request;
        let headers = format!("Authorization: Bearer {}\r\n{headers}", self.token);
        let answer = http.send(method, path, &headers, body).await?;
        self.http = Some(http);
        Ok(answer)
    }
}

/// Something that is sold.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) sku: Sku,
    pub(crate) price: Cents,
}

/// Everything that is sold, as the log says.
pub(crate) async fn catalogue(anybody: &mut Caller) -> Result<Vec<Product>, Failure> {
    let listed = anybody.read("catalog.*.product_listed", &mut Position::START.clone()).await?;
    let product = |envelope: Envelope| match envelope.event {
        Event::CatalogProductListed(e) => Some(Product { sku: e.sku, price: e.price_cents }),
        _ => None,
    };
    Ok(listed.into_iter().filter_map(product).collect())
}

/// The staff takes pieces of a product in.
pub(crate) async fn receive(staff: &mut Caller, product: &Product, quantity: u32) -> Result<(), Failure> {
    let data = json!({"sku": product.sku, "quantity": quantity});
    Ok(staff.command("stock.receive", Uuid::now_v7(), &data).await?)
}

/// Somebody who orders.
pub(crate) struct Customer {
    pub(crate) user: UserId,
    pub(crate) caller: Caller,
}

impl Customer {
    /// Opens an account.
    async fn register(target: &watch::Receiver<SocketAddr>, handle: String) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Welcomed {
            token: String,
            user: UserId,
        }
        let wanted = json!({"handle": handle, "password": "long enough"}).to_string();
        let addr = *target.borrow();
        let answer = Http::connect(addr).await?.call("POST", "/api/accounts", None, &wanted).await?;
        let Welcomed { token, user } = serde_json::from_slice(&answer)?;
        Ok(Self { user, caller: Caller::new(target, &token) })
    }

    /// Puts money into the wallet.
    pub(crate) async fn deposit(&mut self, Cents(amount): Cents) -> Result<(), Failure> {
        let key = Uuid::new_v5(&self.user.0, b"deposit");
        Ok(self.caller.command("wallet.deposit", key, &json!({"amount_cents": amount})).await?)
    }

    /// Fills the cart and orders what is in it.
    pub(crate) async fn order(&mut self, order: OrderId, basket: &[(Product, u32)]) -> Result<(), Failure> {
        let mut total = 0;
        for (Product { sku, price }, quantity) in basket {
            let key = Uuid::new_v5(&order.0, sku.as_str().as_bytes());
            self.caller.command("cart.add_item", key, &json!({"sku": sku, "quantity": quantity})).await?;
            total += price.0 * i64::from(*quantity);
        }
        let data = json!({"expected_total_cents": total});
        Ok(self.caller.command("order.place", order.0, &data).await?)
    }
}

/// So many customers with names that begin so, and what `credit` says of each in their wallets.
pub(crate) async fn customers(
    target: &watch::Receiver<SocketAddr>,
    name: &str,
    count: usize,
    credit: impl Fn(usize) -> Cents,
) -> Result<Vec<Customer>, Failure> {
    let opening = (0..count).map(|nth| {
        let credit = credit(nth).min(MAX_DEPOSIT);
        async move {
            let mut customer = Customer::register(target, format!("{name}_{nth}")).await?;
            customer.deposit(credit).await?;
            Ok::<_, Failure>(customer)
        }
    });
    stream::iter(opening).buffered(REGISTER_AT_ONCE).try_collect().await
}
