//! A text in which addresses can be followed.

use leptos::{either::Either, prelude::*};

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Link(&'a str),
}

/// Cuts a text at its `http(s)` addresses. Punctuation at an address's end belongs to the sentence.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let tail = &rest[start..];
        let end =
            tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(tail.len());
        let link = tail[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '”', '’']);
        let Some(next) =
            link.split_once("://").filter(|(_, host)| !host.is_empty()).map(|_| start + link.len())
        else {
            let cut = start + link.len().max(1);
            pieces.push(Piece::Text(&rest[..cut]));
            rest = &rest[cut..];
            continue;
        };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        pieces.push(Piece::Link(link));
        rest = &rest[next..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The text.
#[component]
pub fn Linked(
    /// As it was written.
    text: String,
) -> impl IntoView {
    pieces(&text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Either::Left(text.to_owned()),
            Piece::Link(link) => Either::Right(view! {
                <a href=link.to_owned() target="_blank" rel="noopener noreferrer nofollow ugc">
                    {link.to_owned()}
                </a>
            }),
        })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_without_the_sentence_around_it() {
        assert_eq!(
            pieces("see (https://a.example/b?c=1), or http://d.example."),
            [
                Piece::Text("see ("),
                Piece::Link("https://a.example/b?c=1"),
                Piece::Text("), or "),
                Piece::Link("http://d.example"),
                Piece::Text("."),
            ]
        );
    }

    #[test]
    fn nothing_is_lost_where_there_is_no_address() {
        for text in ["", "plain", "https://", "javascript:alert(1)", "http://. and https://é"] {
            let whole: String =
                pieces(text).iter().map(|(Piece::Text(text) | Piece::Link(text))| *text).collect();
            assert_eq!(whole, text);
        }
        assert!(pieces("javascript:alert(1)").iter().all(|piece| matches!(piece, Piece::Text(_))));
    }
}
