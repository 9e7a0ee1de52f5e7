//! What people may type: one check for every free text.

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// Nothing but white space and characters that cannot be seen.
    Empty,
    /// More characters than allowed.
    TooLong,
    /// A control character that does not belong there.
    Control,
}

/// Trims and checks a text of 1 to `max` characters (Unicode scalar values) on one line: a name, a title.
///
/// # Errors
/// The first fault found.
pub fn line(text: &str, max: usize) -> Result<String, TextFault> {
    let text = clean(text, max)?;
    if text.contains(['\n', '\t', '\u{2028}', '\u{2029}']) { Err(TextFault::Control) } else { Ok(text) }
}

/// Trims and checks a text of 1 to `max` characters (Unicode scalar values) that may have line breaks and
/// tabs.
///
/// # Errors
/// The first fault found.
pub fn clean(text: &str, max: usize) -> Result<String, TextFault> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        Err(TextFault::Empty)
    } else if text.chars().nth(max).is_some() {
        Err(TextFault::TooLong)
    } else if text.chars().any(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_bidi_control(c)) {
        Err(TextFault::Control)
    } else {
        Ok(text.to_owned())
    }
}

/// Characters that reorder the text around them, with which a message can pretend to be another
/// (Unicode Technical Report 36, section 2.5).
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that show nothing: a name or a message of nothing else would look empty. (The letters among
/// Unicode's Default_Ignorable_Code_Point, and the blank Braille pattern.)
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{2800}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_counted_in_characters() {
        assert_eq!(clean("  héllo\r\nyou ", 9), Ok("héllo\nyou".into()));
        assert_eq!(clean("éé", 1), Err(TextFault::TooLong));
        assert_eq!(clean(" \n\t ", 9), Err(TextFault::Empty));
        assert_eq!(clean("a\u{7}b", 9), Err(TextFault::Control));
        assert_eq!(clean("a\u{202E}b", 9), Err(TextFault::Control));
    }

    #[test]
    fn what_cannot_be_seen_is_empty_but_may_join_what_can() {
        assert_eq!(clean("\u{200B}\u{FEFF} \u{3164}", 9), Err(TextFault::Empty));
        let family = "👩\u{200D}👧";
        assert_eq!(clean(family, 9), Ok(family.into()));
    }

    #[test]
    fn a_line_has_no_breaks() {
        assert_eq!(line(" Ada L.\n", 9), Ok("Ada L.".into()));
        for broken in ["a\nb", "a\tb", "a\r\nb", "a\u{2028}b"] {
            assert_eq!(line(broken, 9), Err(TextFault::Control), "{broken:?}");
        }
    }
}
