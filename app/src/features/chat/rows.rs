//! What a feed shows: its messages with the outbox laid over them, grouped by day and author. Pure.

use domain::{EventId, Intent, MessageId, Position, Timestamp, UserId, views::FeedMessage};

use crate::{
    clock::Shown,
    fault::Fault,
    outbox::{Entry, Stage},
};

/// Messages of one author closer together than this share one heading.
const TOGETHER_MS: i64 = 5 * 60 * 1000;

/// How far a row has come, as `data-state` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// On disk.
    Sent,
    /// On its way, not confirmed yet.
    Pending,
    /// It has not left yet.
    Waiting,
    /// Not done; the command that failed can be tried again or given up.
    Failed {
        /// The command.
        command: domain::CommandId,
        /// Why.
        fault: Fault,
    },
}

/// The beginning of what a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which message.
    pub id: MessageId,
    /// Who wrote it.
    pub name: String,
    /// How it begins; empty if it was deleted.
    pub text: String,
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// Usually one emoji.
    pub with: String,
    /// How many people.
    pub count: usize,
    /// Whether the reader is one of them.
    pub mine: bool,
}

/// One message as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which message.
    pub id: MessageId,
    /// The event that posted it, once there is one.
    pub event: Option<EventId>,
    /// When it was posted, or given to the page.
    pub time: Timestamp,
    /// The time of day.
    pub clock: String,
    /// Who wrote it.
    pub author: UserId,
    /// What the author was shown as.
    pub name: String,
    /// Whether the reader wrote it.
    pub mine: bool,
    /// What it says.
    pub text: String,
    /// What it answers.
    pub quote: Option<Quote>,
    /// Whether its text was changed.
    pub edited: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// How people reacted.
    pub reactions: Vec<Reacted>,
    /// How far it has come.
    pub state: RowState,
    /// The day, where a new one begins.
    pub day: Option<String>,
    /// Whether the author is named above it.
    pub head: bool,
    /// Whether it is the first that the reader has not seen.
    pub first_new: bool,
}

/// Who reads.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// The person; `None` for a visitor.
    pub user: Option<UserId>,
    /// What they are shown as.
    pub name: String,
}

/// The rows of a feed, oldest first. `mark` is how far the reader had read when they came.
pub fn rows<'a>(
    messages: impl Iterator<Item = &'a FeedMessage>,
    outbox: &[Entry],
    room: &domain::RoomId,
    reader: &Reader,
    mark: Option<Position>,
    shown: impl Fn(Timestamp) -> Shown,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut marked = false;
    for message in messages {
        let mut row = sent(message, reader);
        row.quote = message.reply_to.and_then(|id| quote(&rows, id));
        let unseen = mark.is_some_and(|mark| message.position > mark);
        if unseen && !row.mine && !marked {
            row.first_new = true;
            marked = true;
        }
        rows.push(row);
    }
    for entry in outbox {
        lay_over(&mut rows, entry, room, reader);
    }
    group(&mut rows, shown);
    rows
}

fn sent(message: &FeedMessage, reader: &Reader) -> Row {
    let reactions = message.reactions.iter().map(|(with, who)| Reacted {
        with: with.clone(),
        count: who.len(),
        mine: reader.user.is_some_and(|me| who.contains(&me)),
    });
    Row {
        id: message.id,
        event: Some(message.event),
        time: message.time,
        clock: String::new(),
        author: message.author,
        name: message.name.clone(),
        mine: reader.user == Some(message.author),
        text: message.text.clone(),
        quote: None,
        edited: message.edited,
        deleted: message.deleted,
        reactions: reactions.collect(),
        state: RowState::Sent,
        day: None,
        head: true,
        first_new: false,
    }
}

fn quote(rows: &[Row], id: MessageId) -> Option<Quote> {
    let found = rows.iter().rev().find(|row| row.id == id)?;
    let text = found.text.chars().take(120).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    Some(Quote { id, name: found.name.clone(), text })
}

/// Shows what one command of the outbox will have done.
fn lay_over(rows: &mut Vec<Row>, entry: &Entry, room: &domain::RoomId, reader: &Reader) {
    let state = match &entry.stage {
        Stage::Accepted(_) => RowState::Sent,
        Stage::Held | Stage::Sending => RowState::Pending,
        Stage::Queued => RowState::Waiting,
        Stage::Failed(fault) => RowState::Failed { command: entry.id, fault: fault.clone() },
    };
    let failed = matches!(state, RowState::Failed { .. });
    match &entry.intent {
        Intent::ChatPostMessage(wanted) if wanted.room == *room => {
            let id = MessageId(entry.id.0);
            let (Some(me), false) = (reader.user, rows.iter().rev().any(|row| row.id == id)) else { return };
            let quote = wanted.reply_to.and_then(|id| quote(rows, id));
            rows.push(Row {
                id,
                event: None,
                time: entry.given,
                clock: String::new(),
                author: me,
                name: reader.name.clone(),
                mine: true,
                text: wanted.text.trim().to_owned(),
                quote,
                edited: false,
                deleted: false,
                reactions: Vec::new(),
                state,
                day: None,
                head: true,
                first_new: false,
            });
        }
        Intent::ChatEditMessage(wanted) if wanted.room == *room => {
            if let Some(row) = find(rows, wanted.message).filter(|row| !row.deleted) {
                row.text = wanted.text.trim().to_owned();
                row.edited = true;
                row.state = state;
            }
        }
        Intent::ChatDeleteMessage(wanted) if wanted.room == *room => {
            if let Some(row) = find(rows, wanted.message) {
                if !failed {
                    row.deleted = true;
                    row.text.clear();
                    row.reactions.clear();
                }
                row.state = state;
            }
        }
        // A reaction that failed is not shown as given; the person sees that it did not stick.
        Intent::ChatAddReaction(wanted) if wanted.room == *room && !failed => {
            if let Some(row) = find(rows, wanted.message).filter(|row| !row.deleted) {
                react(row, &wanted.reaction, true);
            }
        }
        Intent::ChatRemoveReaction(wanted) if wanted.room == *room && !failed => {
            if let Some(row) = find(rows, wanted.message) {
                react(row, &wanted.reaction, false);
            }
        }
        _ => {}
    }
}

fn find(rows: &mut [Row], id: MessageId) -> Option<&mut Row> {
    rows.iter_mut().rev().find(|row| row.id == id)
}

fn react(row: &mut Row, with: &str, add: bool) {
    match row.reactions.iter_mut().find(|reacted| reacted.with == with) {
        Some(reacted) if reacted.mine != add => {
            reacted.mine = add;
            reacted.count = if add { reacted.count + 1 } else { reacted.count - 1 };
        }
        None if add => row.reactions.push(Reacted { with: with.to_owned(), count: 1, mine: true }),
        _ => {}
    }
    row.reactions.retain(|reacted| reacted.count > 0);
}

/// Says where a day begins and where the author is named.
fn group(rows: &mut [Row], shown: impl Fn(Timestamp) -> Shown) {
    let mut day = String::new();
    let mut last: Option<(UserId, String, i64)> = None;
    for row in rows {
        let Shown { day: today, clock } = shown(row.time);
        row.clock = clock;
        let new_day = today != day;
        if new_day {
            row.day = Some(today.clone());
            day = today;
        }
        let follows = last.as_ref().is_some_and(|(author, name, time)| {
            *author == row.author && *name == row.name && row.time.millis() - time < TOGETHER_MS
        });
        row.head = new_day || row.first_new || row.quote.is_some() || !follows;
        last = Some((row.author, row.name.clone(), row.time.millis()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domain::{CommandId, RoomId, chat};
    use uuid::Uuid;

    use super::*;
    use crate::clock;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BO: UserId = UserId(Uuid::from_u128(2));

    fn lobby() -> RoomId {
        RoomId::new("lobby").unwrap()
    }

    fn message(nth: u64, author: UserId, minute: i64) -> FeedMessage {
        FeedMessage {
            id: MessageId(Uuid::from_u128(u128::from(nth))),
            event: EventId(Uuid::from_u128(u128::from(nth) + 1000)),
            position: Position(nth),
            time: Timestamp::from_millis(1_795_219_200_000 + minute * 60_000),
            author,
            name: if author == ADA { "Ada" } else { "Bo" }.into(),
            text: format!("text {nth}"),
            reply_to: None,
            edited: false,
            deleted: false,
            reactions: BTreeMap::new(),
        }
    }

    fn entry(id: u128, intent: impl Into<Intent>, stage: Stage) -> Entry {
        let given = Timestamp::from_millis(1_795_219_200_000 + 3_600_000);
        Entry { id: CommandId(Uuid::from_u128(id)), intent: intent.into(), given, stage }
    }

    fn shown(messages: &[FeedMessage], outbox: &[Entry], mark: Option<u64>) -> Vec<Row> {
        let reader = Reader { user: Some(ADA), name: "Ada".into() };
        rows(messages.iter(), outbox, &lobby(), &reader, mark.map(Position), clock::utc)
    }

    fn post(text: &str) -> chat::PostMessage {
        chat::PostMessage { room: lobby(), text: text.into(), reply_to: None }
    }

    #[test]
    fn messages_of_one_author_within_five_minutes_share_a_heading() {
        let rows = shown(
            &[message(1, BO, 0), message(2, BO, 4), message(3, ADA, 5), message(4, ADA, 20)],
            &[],
            None,
        );
        assert_eq!(rows.iter().map(|row| row.head).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn a_day_is_named_once_where_it_begins() {
        let rows = shown(&[message(1, BO, 0), message(2, BO, 1), message(3, BO, 24 * 60)], &[], None);
        assert_eq!(rows.iter().filter(|row| row.day.is_some()).count(), 2);
        assert!(rows[2].day.is_some() && rows[2].head);
    }

    #[test]
    fn the_new_line_stands_before_the_first_unseen_message_of_somebody_else() {
        let rows = shown(
            &[message(1, BO, 0), message(2, ADA, 1), message(3, BO, 2), message(4, BO, 3)],
            &[],
            Some(1),
        );
        assert_eq!(rows.iter().position(|row| row.first_new), Some(2));
        assert_eq!(rows.iter().filter(|row| row.first_new).count(), 1);
    }

    #[test]
    fn a_message_is_shown_before_it_is_confirmed_and_only_once_after() {
        let pending = shown(&[], &[entry(9, post("hi"), Stage::Sending)], None);
        assert_eq!((pending[0].text.as_str(), &pending[0].state), ("hi", &RowState::Pending));
        let mut posted = message(9, ADA, 60);
        posted.text = "hi".into();
        let accepted = shown(&[posted], &[entry(9, post("hi"), Stage::Accepted(Position(9)))], None);
        assert_eq!(accepted.len(), 1);
        assert_eq!(accepted[0].state, RowState::Sent);
        assert!(accepted[0].event.is_some());
    }

    #[test]
    fn a_message_that_has_not_left_yet_says_so() {
        assert_eq!(shown(&[], &[entry(9, post("hi"), Stage::Queued)], None)[0].state, RowState::Waiting);
    }

    #[test]
    fn what_belongs_to_another_room_is_not_shown() {
        let elsewhere =
            chat::PostMessage { room: RoomId::new("desk").unwrap(), text: "x".into(), reply_to: None };
        assert!(shown(&[], &[entry(9, elsewhere, Stage::Queued)], None).is_empty());
    }

    #[test]
    fn a_deletion_that_failed_brings_the_text_back_with_the_reason() {
        let delete = chat::DeleteMessage { room: lobby(), message: MessageId(Uuid::from_u128(1)) };
        let held = shown(&[message(1, ADA, 0)], &[entry(9, delete.clone(), Stage::Held)], None);
        assert!(held[0].deleted && held[0].text.is_empty());
        let failed = Stage::Failed(Fault::new("chat.not_author", "No."));
        let back = shown(&[message(1, ADA, 0)], &[entry(9, delete, failed)], None);
        assert_eq!(back[0].text, "text 1");
        assert!(matches!(back[0].state, RowState::Failed { .. }));
    }

    #[test]
    fn a_reaction_is_counted_once_per_person() {
        let mut liked = message(1, BO, 0);
        liked.reactions.insert("👍".into(), BTreeSet::from([BO]));
        let add = chat::AddReaction { room: lobby(), message: liked.id, reaction: "👍".into() };
        let twice = [entry(8, add.clone(), Stage::Queued), entry(9, add, Stage::Queued)];
        let rows = shown(std::slice::from_ref(&liked), &twice, None);
        assert_eq!(rows[0].reactions, [Reacted { with: "👍".into(), count: 2, mine: true }]);
        let remove = chat::RemoveReaction { room: lobby(), message: liked.id, reaction: "👍".into() };
        liked.reactions.insert("👍".into(), BTreeSet::from([ADA]));
        assert!(shown(&[liked], &[entry(9, remove, Stage::Queued)], None)[0].reactions.is_empty());
    }

    #[test]
    fn an_answer_shows_what_it_answers() {
        let mut answer = message(2, BO, 1);
        answer.reply_to = Some(MessageId(Uuid::from_u128(1)));
        let rows = shown(&[message(1, ADA, 0), answer], &[], None);
        assert_eq!(rows[1].quote.as_ref().map(|quote| quote.text.as_str()), Some("text 1"));
    }
}
