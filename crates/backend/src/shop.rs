//! What a customer asks for: the shop, and what is their own.

use std::collections::BTreeSet;

use domain::{
    OrderId, Token, UserId, View,
    order::OrderName,
    view::Snapshot,
    views::{CartView, Desk, OrderKey, OrderList, OrderView, OwnKey, Shop, WalletView},
};

use crate::{At, Backend, Caller, QueryError, accounts::now};

/// So many orders are looked up by name at once.
const MOST_NAMED: usize = 24;

impl Backend {
    /// What is sold.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn shop(&self, caller: &Caller) -> Result<Snapshot<Shop>, QueryError> {
        self.view(caller, &()).await
    }

    /// The caller's cart.
    ///
    /// # Errors
    /// If the caller is not signed in.
    pub async fn cart(&self, caller: &Caller) -> Result<Snapshot<CartView>, QueryError> {
        self.view(caller, &own(caller)?).await
    }

    /// The caller's wallet.
    ///
    /// # Errors
    /// If the caller is not signed in.
    pub async fn wallet(&self, caller: &Caller) -> Result<Snapshot<WalletView>, QueryError> {
        self.view(caller, &own(caller)?).await
    }

    /// The caller's wallet as it was.
    ///
    /// # Errors
    /// As [`Backend::wallet`]; [`QueryError::NotYet`] before it was opened, [`QueryError::InFuture`].
    pub async fn wallet_then(&self, caller: &Caller, at: At) -> Result<Snapshot<WalletView>, QueryError> {
        let then: Snapshot<WalletView> = self.then(caller, &own(caller)?, at).await?;
        if then.view.opened { Ok(then) } else { Err(QueryError::NotYet) }
    }

    /// The caller's orders.
    ///
    /// # Errors
    /// If the caller is not signed in.
    pub async fn orders(&self, caller: &Caller) -> Result<Snapshot<OrderList>, QueryError> {
        self.view(caller, &own(caller)?).await
    }

    /// An order: the caller's own, or for the staff anybody's.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is no such order, or it is not for the caller.
    pub async fn order(&self, caller: &Caller, order: OrderId) -> Result<Snapshot<OrderView>, QueryError> {
        let OwnKey { user } = own(caller)?;
        for customer in [Some(user), None] {
            let found: Snapshot<OrderView> = self.view(caller, &OrderKey { order, customer }).await?;
            if found.view.placed.is_some() {
                return Ok(found);
            }
        }
        Err(QueryError::NotFound)
    }

    /// An order as it was, for whoever may see it now.
    ///
    /// # Errors
    /// As [`Backend::order`]; [`QueryError::NotYet`] before it was placed, [`QueryError::InFuture`].
    pub async fn order_then(
        &self,
        caller: &Caller,
        order: OrderId,
        at: At,
    ) -> Result<Snapshot<OrderView>, QueryError> {
        let key = self.order(caller, order).await?.view.key;
        let then: Snapshot<OrderView> = self.then(caller, &key, at).await?;
        if then.view.placed.is_some() { Ok(then) } else { Err(QueryError::NotYet) }
    }

    /// A view as it was, for a person who has chosen when.
    async fn then<V: View>(&self, caller: &Caller, key: &V::Key, at: At) -> Result<Snapshot<V>, QueryError> {
        if matches!(at, At::Instant(instant) if instant > now()) {
            return Err(QueryError::InFuture);
        }
        match self.view_at(caller, key, at).await {
            Err(QueryError::PastHead { .. }) => Err(QueryError::InFuture),
            answer => answer,
        }
    }

    /// The orders that the caller may see of the first [`MOST_NAMED`] that are named. A short name is looked for
    /// among the caller's newest orders, and for the staff on the desk; one that fits two of them names none.
    ///
    /// # Errors
    /// If the caller is not signed in.
    pub async fn orders_named(
        &self,
        caller: &Caller,
        names: Vec<OrderName>,
    ) -> Result<Vec<(OrderName, Snapshot<OrderView>)>, QueryError> {
        let known = match names.iter().any(|name| matches!(name, OrderName::Short(_))) {
            true => self.known_orders(caller).await?,
            false => BTreeSet::new(),
        };
        let mut found = Vec::new();
        for name in names.into_iter().take(MOST_NAMED) {
            let Some(order) = meant(&name, &known) else { continue };
            match self.order(caller, order).await {
                Ok(order) => found.push((name, order)),
                Err(QueryError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The orders that the caller would call by their short names.
    async fn known_orders(&self, caller: &Caller) -> Result<BTreeSet<OrderId>, QueryError> {
        let own = self.orders(caller).await?.view.orders;
        let mut known: BTreeSet<OrderId> = own.iter().map(|listed| listed.order).collect();
        if self.0.hub.tokens(caller.user).holds(&Token::Staff) {
            known.extend(self.view::<Desk>(caller, &()).await?.view.rows.into_keys());
        }
        Ok(known)
    }
}

/// The one order that a name stands for.
fn meant(name: &OrderName, known: &BTreeSet<OrderId>) -> Option<OrderId> {
    if let OrderName::Id(order) = name {
        return Some(*order);
    }
    let mut fitting = known.iter().filter(|order| name.fits(**order));
    fitting.next().copied().filter(|_| fitting.next().is_none())
}

fn own(caller: &Caller) -> Result<OwnKey, QueryError> {
    let user: UserId = caller.user.ok_or(QueryError::SignInFirst)?;
    Ok(OwnKey { user })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_short_name_that_two_orders_share_names_neither() {
        let order = |front: u128, end: u128| OrderId(Uuid::from_u128(front << 64 | end));
        let known = BTreeSet::from([order(1, 0xabcdef), order(1, 0x123456), order(2, 0x123456)]);
        assert_eq!(meant(&OrderName::Short("abcdef".into()), &known), Some(order(1, 0xabcdef)));
        assert_eq!(meant(&OrderName::Short("123456".into()), &known), None);
        assert_eq!(meant(&OrderName::Short("fedcba".into()), &known), None);
        assert_eq!(meant(&OrderName::Id(order(3, 1)), &known), Some(order(3, 1)), "whoever may see it");
    }
}
