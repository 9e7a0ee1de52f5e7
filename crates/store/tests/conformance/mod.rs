//! What every database must do for Hubbub, written once. A database is brought by a [`Fixture`]; `suite!`
//! makes the tests of it.

pub(crate) mod commands;
pub(crate) mod crash;
pub(crate) mod effects;
pub(crate) mod faults;
pub(crate) mod projections;
pub(crate) mod reactors;
pub(crate) mod reading;
pub(crate) mod redaction;
pub(crate) mod reopening;
pub(crate) mod world;

use store::Options;

/// A database of its own for one test.
pub(crate) trait Fixture: Sized {
    /// An empty one.
    fn create() -> Self;

    /// How to open it; the same every time.
    fn options(&self) -> Options;

    /// Runs a statement past Hubbub, as a person with a database shell would.
    fn tamper(&self, sql: &'static str) -> impl Future<Output = Result<(), String>>;

    /// Everything that a person who takes the disk home can read.
    fn bytes(&self) -> Vec<u8>;

    /// The path of the test in this binary that the crash test starts as its victim.
    const VICTIM: &'static str = "conformance_victim";
}

/// The tests of one database.
#[macro_export]
macro_rules! suite {
    ($fixture:ident) => {
        $crate::suite!(@tests $fixture, commands:
            a_lone_command_is_recorded_and_acknowledged,
            units_of_one_batch_are_decided_in_order,
            sixty_four_callers_in_one_room_never_conflict,
            the_same_command_again_gets_the_same_receipt,
            the_same_command_sent_at_once_by_many_is_one_event,
            a_command_id_used_for_something_else_is_refused,
            people_do_not_share_command_ids,
            of_two_commands_with_one_expected_version_one_wins,
            a_refusal_in_the_middle_of_a_batch_harms_nobody,
            a_unit_is_accepted_or_refused_as_a_whole,
            a_failed_unit_takes_nothing_of_its_batch_with_it,
            one_command_twice_in_a_unit_is_refused,
            commits_are_told_in_order_before_callers_are_answered,
            a_clock_that_jumps_back_does_not_take_the_log_with_it);
        $crate::suite!(@tests $fixture, effects:
            a_handle_is_given_once_however_many_ask_for_it,
            a_session_is_found_until_it_ends,
            a_token_has_a_name_and_scopes_and_is_found_among_its_owners_sessions,
            a_refused_unit_has_no_effects,
            expired_sessions_are_swept_when_somebody_signs_in);
        $crate::suite!(@tests $fixture, reading:
            every_filter_finds_what_looking_at_every_event_finds,
            an_empty_page_is_not_the_end,
            a_reader_that_follows_never_sees_a_gap,
            earlier_messages_are_read_newest_first,
            an_event_is_found_by_its_id_and_its_flow,
            a_stream_is_read_in_its_own_order,
            an_instant_is_found_in_the_log,
            snapshots_are_kept_for_one_generation);
        $crate::suite!(@tests $fixture, reactors:
            a_step_is_taken_once_and_only_from_where_the_reactor_stands,
            of_two_who_take_the_same_step_at_once_one_wins,
            a_refused_unit_takes_no_step,
            a_command_that_was_accepted_before_is_passed_over_in_a_step,
            steps_survive_reopening,
            a_reactor_remembers_and_forgets,
            what_is_handled_is_known_until_the_checkpoint_has_passed_it,
            what_is_forgotten_of_accepted_commands_is_what_was_asked_for,
            dead_letters_change_their_status_key_by_key,
            timers_come_in_the_order_in_which_they_are_due,
            what_comes_in_twice_is_one_event,
            handlings_are_kept_for_a_while);
        $crate::suite!(@tests $fixture, projections:
            a_generation_is_read_when_it_has_been_switched_to,
            a_range_of_documents_is_read_in_order,
            projections_survive_reopening_and_drop_what_is_redacted,
            a_text_is_found_by_its_words_by_those_who_may,
            a_deleted_text_is_not_in_the_index);
        $crate::suite!(@tests $fixture, redaction:
            a_deleted_text_is_nowhere,
            a_text_deleted_in_the_same_batch_is_nowhere,
            a_redacted_event_keeps_everything_but_its_personal_fields,
            snapshots_from_before_a_redaction_are_gone_and_stay_gone,
            nobody_changes_or_deletes_an_event);
        $crate::suite!(@tests $fixture, reopening:
            a_reopened_log_goes_on_where_it_was,
            decisions_after_reopening_know_what_happened_before,
            closing_carries_out_what_has_queued,
            an_epoch_outlives_reopening);
        $crate::suite!(@tests $fixture, faults:
            a_full_disk_refuses_writes_and_recovers_by_itself,
            a_failed_transaction_leaves_nothing_in_the_cache);
        $crate::suite!(@tests $fixture, crash:
            nothing_acknowledged_is_lost_when_the_process_is_killed);

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "the crash test starts it as its victim"]
        async fn conformance_victim() {
            $crate::conformance::crash::victim().await;
        }
    };
    (@tests $fixture:ident, $module:ident: $($test:ident),+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    use $crate::{$fixture, conformance::{Fixture, $module}};
                    $module::$test(&$fixture::create()).await;
                }
            )+
        }
    };
}
