//! The list of the cases, and what is made of it.

use crate::Form;

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its file and function: `files::what_is_written_is_read`.
    pub name: &'static str,
    /// Runs it with a guest and volumes of its own; panics where it fails.
    pub run: fn(),
}

/// Every case, for a form.
#[must_use]
pub fn cases<F: Form>() -> Vec<Case> {
    crate::__list!(@cases F)
}

/// Runs the case of this name.
///
/// # Panics
/// Where the case fails or there is none of this name.
pub fn run<F: Form>(name: &str) {
    let all = cases::<F>();
    let case = all.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case is called {name}"));
    (case.run)();
}

/// Makes a `#[test]` of each case, in a module for each subject.
#[macro_export]
macro_rules! suite {
    ($form:ty) => {
        $crate::__list!(@tests $form);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __expand {
    (@tests [$form:ty] $($subject:ident { $($name:ident)* })*) => {
        $(mod $subject {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::run::<$form>(concat!(stringify!($subject), "::", stringify!($name)));
            })*
        })*
    };
    (@cases [$form:ty] $($subject:ident { $($name:ident)* })*) => {
        vec![$($($crate::Case {
            name: concat!(stringify!($subject), "::", stringify!($name)),
            run: $crate::cases::$subject::$name::<$form>,
        },)*)*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    (@$what:ident $form:ty) => {
        $crate::__expand! { @$what [$form]
            files {
                a_new_file_is_empty_and_has_one_link
                what_is_written_is_read
                another_descriptor_sees_a_write_at_once
                reads_and_writes_go_where_they_are_told
                random_writes_read_back
                reading_ends_at_the_end
                writing_behind_the_end_leaves_zeros
                an_empty_write_changes_nothing
                appending_goes_to_the_end
                appends_of_two_writers_do_not_mix
                set_size_cuts_and_grows
                opening_to_truncate_empties
                opening_to_create_opens_what_is_there
                exclusive_creation_refuses_what_is_there
                exclusive_creation_has_one_winner
                a_descriptor_does_what_it_was_opened_for
                flags_tell_what_a_descriptor_was_opened_for
                a_directory_has_no_content
                opening_a_directory_refuses_files
                huge_offsets_and_sizes_are_too_large
                sync_and_advise_succeed
            }
            holes {
                a_hole_costs_nothing
                a_hole_reads_as_zeros
                content_is_charged_by_pages
                overwriting_is_not_charged_again
                many_small_appends_cost_what_one_large_does
                cutting_refunds_pages
            }
            directories {
                a_new_directory_is_empty_and_has_two_links
                a_sub_directory_is_a_link_of_its_parent
                making_a_directory_refuses_a_name_that_is_there
                a_parent_must_be_a_directory_that_is_there
                only_an_empty_directory_is_removed
                removing_a_directory_refuses_everything_else
                unlinking_refuses_directories
                a_removed_directory_takes_no_names
                an_open_removed_directory_is_refunded_when_closed
                the_granted_directory_cannot_be_removed_through_itself
            }
            listing {
                a_listing_has_every_entry_and_its_type
                a_long_listing_has_every_name_once
                only_directories_are_listed
                names_that_stay_are_listed_once_whatever_changes
                removing_what_is_listed_empties_a_directory
                a_name_that_a_rename_replaces_is_listed_once
                two_listings_do_not_disturb_each_other
                a_listing_of_a_directory_that_is_removed_ends
                a_listing_is_stable_while_another_guest_changes_the_directory
            }
            unlink {
                an_unlinked_name_is_gone
                an_unlinked_file_lives_until_the_last_close
                its_space_is_refunded_at_the_last_close
                a_new_file_of_the_same_name_is_another
                a_replaced_file_lives_until_the_last_close
                unlinking_a_symlink_leaves_its_target
            }
            links {
                a_hard_link_is_the_same_file
                link_counts_follow_the_names
                a_link_is_not_charged_again
                a_link_does_not_replace
                a_directory_has_one_name
                linking_a_symlink_names_the_link_or_its_target
                linking_fails_as_posix_says
                a_link_stays_within_its_mount
            }
            symlinks {
                a_link_holds_its_target_as_given
                only_links_have_targets
                making_a_link_fails_as_posix_says
                a_relative_target_starts_at_the_link
                an_absolute_target_starts_at_the_root_of_the_view
                an_absolute_target_may_begin_with_the_mount_point
                an_absolute_target_is_refused_below_the_root
                a_dangling_link_names_nothing
                creating_through_a_dangling_link_makes_its_target
                without_following_a_path_names_the_link
                a_link_in_the_middle_is_always_followed
                a_slash_behind_a_link_follows_it
                links_may_lead_to_links
                the_depth_counts_links_of_the_whole_path
                circles_are_a_loop
                parents_are_those_of_the_target
                a_target_never_leads_outside
            }
            paths {
                dots_and_slashes_change_nothing
                a_path_never_leaves_its_directory
                an_absolute_path_is_refused
                an_empty_path_names_nothing
                a_trailing_slash_asks_for_a_directory
                a_file_in_the_middle_is_not_a_directory
                a_missing_directory_has_no_entries
                names_are_any_text_without_slash_and_nul
                an_open_directory_is_the_same_wherever_it_moves
                deep_trees_work
            }
            rename {
                a_file_moves
                a_directory_moves_with_all_below_it
                a_link_moves_as_itself
                a_file_replaces_a_file
                a_directory_replaces_an_empty_one
                a_directory_that_is_not_empty_is_not_replaced
                files_and_directories_do_not_replace_each_other
                a_directory_does_not_move_into_itself
                onto_itself_nothing_happens
                what_is_missing_does_not_move
                dots_do_not_move
                names_beyond_the_limits_are_too_long
                nothing_moves_to_another_mount
                a_rename_is_charged_by_its_names
                a_replacement_leaves_no_gap
                a_replaced_link_leaves_no_gap
            }
            times {
                a_new_inode_has_the_time_of_its_creation
                a_change_of_content_is_noted
                a_change_of_names_is_noted_by_the_directory
                a_change_of_links_is_noted_by_the_file
                reading_renews_the_access_time
                looking_changes_no_time
                times_are_set_to_the_nanosecond
                times_are_set_by_path
                a_second_has_a_billion_nanoseconds
                extreme_times_are_kept
            }
            identity {
                descriptors_of_one_file_are_the_same_object
                views_of_one_volume_show_the_same_objects
                the_hash_is_that_of_the_object
                the_hash_stays_whatever_changes
                hashes_of_many_files_differ
            }
            views {
                a_read_only_view_shows_what_is_there
                a_read_only_view_refuses_every_change_of_names
                a_read_only_view_opens_nothing_for_writing
                a_read_only_view_truncates_nothing
                a_read_only_view_sets_no_times
                reading_through_a_read_only_view_leaves_no_trace
                a_second_descriptor_has_no_more_rights
                a_writable_mount_lends_no_rights_to_a_read_only_one
                a_scoped_view_is_a_root_of_its_own
                nothing_leads_out_of_a_scoped_view
                a_directory_moved_out_of_a_scoped_view_opens_no_way_out
                a_scoped_view_follows_its_directory
                what_one_guest_writes_another_reads
                the_other_volume_is_another
            }
            limits {
                a_new_volume_is_charged_for_its_root
                bytes_end_with_insufficient_space
                names_and_targets_are_charged
                inodes_end_with_insufficient_space
                a_file_ends_with_file_too_large
                names_end_with_name_too_long
                paths_end_with_name_too_long
                a_directory_ends_with_quota
                open_descriptors_end_with_quota
                links_end_with_too_many_links
                what_fails_is_not_charged
                a_full_volume_can_be_emptied
                a_race_of_two_guests_does_not_pass_a_limit
            }
        }
    };
}
