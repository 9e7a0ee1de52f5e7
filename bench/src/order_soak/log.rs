//! The log as the API shows it: to an operator nearly everything, to each person what is theirs alone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use domain::{Envelope, Event, EventId, OrderId, Pattern, Position, order::saga::Input};
use tokio::{sync::watch, time::sleep};

use super::{Crew, PATIENCE, people::FOLLOWED};
use crate::{Failure, shop::Caller};

/// What of the log a person alone may see.
const PRIVATE: &str = "wallet.>,notification.>";

/// How often the log is read.
const PAUSE: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct Log {
    operator: Reader,
    people: Vec<Reader>,
    events: BTreeMap<Position, Envelope>,
    /// What has happened to each order.
    orders: HashMap<OrderId, HashSet<Input>>,
}

/// Somebody who reads on.
struct Reader {
    caller: Caller,
    pattern: &'static str,
    after: Position,
}

impl Reader {
    fn new(caller: Caller, pattern: &'static str) -> Self {
        Self { caller, pattern, after: Position::START }
    }

    async fn read_on(&mut self) -> Result<Vec<Envelope>, Failure> {
        self.caller.read(self.pattern, &mut self.after).await
    }
}

impl Log {
    /// What these people see, and those of the demo.
    pub(super) async fn new(
        target: &watch::Receiver<SocketAddr>,
        people: impl Iterator<Item = Caller>,
    ) -> Result<Self, Failure> {
        let mut people: Vec<Reader> = people.map(|caller| Reader::new(caller, PRIVATE)).collect();
        for persona in ["ada", "bo"] {
            people.push(Reader::new(Caller::persona(target, persona).await?, PRIVATE));
        }
        let operator = Reader::new(Caller::persona(target, "olga").await?, ">");
        Ok(Self { operator, people, events: BTreeMap::new(), orders: HashMap::new() })
    }

    /// What was read so far, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = &Envelope> {
        self.events.values()
    }

    /// What of it the staff follows.
    pub(super) fn followed(&self) -> Vec<EventId> {
        let pattern = Pattern::new(FOLLOWED).expect("the constants are valid");
        let followed = self.events().filter(|event| pattern.matches(&event.meta.subject));
        followed.map(|event| event.meta.id).collect()
    }

    fn take_in(&mut self, events: Vec<Envelope>) {
        for envelope in events {
            if let Some((order, input)) = Input::of(&envelope.event) {
                self.orders.entry(order).or_default().insert(input);
            }
            self.events.insert(envelope.meta.position, envelope);
        }
    }

    /// Waits until nothing is left to be done for any order.
    pub(super) async fn until_all_have_ended(&mut self, crew: &mut Crew) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            crew.check().await?;
            let news = self.operator.read_on().await?;
            self.take_in(news);
            let left: Vec<_> = self.orders.iter().filter(|(_, happened)| !has_ended(happened)).collect();
            match left.first() {
                None => return Ok(()),
                Some((order, happened)) if begun.elapsed() > PATIENCE => {
                    let left = left.len();
                    return Err(format!("{left} orders never end, for example {order}: {happened:?}").into());
                }
                Some(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Waits until everybody was mailed what they were told.
    pub(super) async fn until_all_is_mailed(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            for nth in 0..self.people.len() {
                let news = self.people[nth].read_on().await?;
                self.take_in(news);
            }
            let news = self.operator.read_on().await?;
            self.take_in(news);
            let count = |is: fn(&Event) -> bool| self.events().filter(|event| is(&event.event)).count();
            let told = count(|event| matches!(event, Event::NotificationRaised(_)));
            let mailed = count(|event| matches!(event, Event::NotificationEmailSent(_)));
            if mailed >= told {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{told} notifications, but {mailed} mails").into());
            }
            sleep(PAUSE).await;
        }
    }
}

/// Whether nothing more is to come of an order to which this has happened.
fn has_ended(happened: &HashSet<Input>) -> bool {
    use Input::{
        OrderCancelled, OrderDelivered, OrderRefunded, PaymentAuthorized, PaymentCaptured, PaymentRefunded,
        PaymentVoided, ShipmentCreated, ShipmentDelivered, ShipmentFailed, StockCommitted, StockReleased,
        StockReserved, StockReturned,
    };
    let all = |inputs: &[Input]| inputs.iter().all(|input| happened.contains(input));
    let undone = |done, by: &[Input]| !happened.contains(&done) || by.iter().any(|by| happened.contains(by));
    if all(&[OrderCancelled]) {
        return undone(StockReserved, &[StockReleased, StockReturned])
            && undone(PaymentAuthorized, &[PaymentVoided, PaymentRefunded])
            && undone(ShipmentCreated, &[ShipmentFailed, ShipmentDelivered]);
    }
    all(&[OrderDelivered, PaymentCaptured, StockCommitted])
        && undone(OrderRefunded, &[PaymentRefunded])
        && undone(OrderRefunded, &[StockReturned])
}
