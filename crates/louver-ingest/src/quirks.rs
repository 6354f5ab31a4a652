//! What cameras do that no standard says, and what is done about it: one entry each, in one place. Each has a test that plays such a
//! camera, or the bytes of one; a test of this module looks that it is there.
//!
//! Sources: the issue trackers of retina (`scottlamb/retina`), Moonfire NVR (`scottlamb/moonfire-nvr`) and FFmpeg, and retina's
//! collection of cameras' answers (`src/client/testdata`).

/// One thing that cameras do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// A short name.
    pub name: &'static str,
    /// What the camera does.
    pub does: &'static str,
    /// Which camera and firmware, or who tells of it.
    pub seen: &'static str,
    /// What is done about it.
    pub done: &'static str,
    /// The name of its test, in this crate.
    pub test: &'static str,
}

/// All of them.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "no parameter sets in the description",
        does: "its SDP has no sprop-parameter-sets (H.264) or sprop-vps, -sps, -pps (H.265); they come with the pictures alone",
        seen: "RFC 6184 section 8.1 and RFC 7798 section 7.1 allow it; Anjvision and many OEM cameras",
        done: "the session begins with the first key frame that has them",
        test: "parameters_that_only_come_with_the_pictures_are_enough",
    },
    Quirk {
        name: "outdated or damaged parameter sets in the description",
        does: "its SDP has other sets than those it codes with, or ones that cannot be read",
        seen: "retina src/codec/h264.rs (\"bad format-specific-params\"); Hikvision after a change of resolution",
        done: "sets in the stream win; damaged ones in the description are as good as none",
        test: "parameters_of_the_description_that_are_wrong_do_no_harm",
    },
    Quirk {
        name: "a description with a line that is none",
        does: "its SDP has a line that is not a letter, \"=\" and a value, and another than \"m=\" behind it; or a stream without a payload type",
        seen: "none yet: found by fuzzing; sdp-types 0.1.8, by which retina 0.4.21 reads it, panics over the one, retina itself over the other",
        done: "refused in words and asked again; the panic is caught where it happens, for recording and for a look alike",
        test: "a_description_over_which_its_reader_fails_is_refused_in_words",
    },
    Quirk {
        name: "parameters change within a session",
        does: "it changes resolution or coding parameters without ending the session",
        seen: "any camera whose settings are changed while it is watched",
        done: "the new parameters are told before the picture that needs them; the recorder begins another segment where size or coding changed",
        test: "parameters_that_change_are_told_before_the_picture_that_needs_them",
    },
    Quirk {
        name: "bytes behind the end of a parameter set",
        does: "its sequence parameter set has bytes behind its end",
        seen: "Reolink doorbell (retina issue 102)",
        done: "they are ignored",
        test: "bytes_behind_the_end_of_a_parameter_set_are_ignored",
    },
    Quirk {
        name: "delimiter behind the parameter sets",
        does: "retina puts parameter sets in front of everything, the access unit delimiter too; Chromium then refuses the picture",
        seen: "any camera that sends delimiters",
        done: "the delimiter is put first again",
        test: "nal_units_stay_as_the_camera_sent_them_and_key_frames_carry_their_parameters",
    },
    Quirk {
        name: "several slices a picture",
        does: "it cuts each picture into slices, each in packets of its own",
        seen: "Axis and Bosch at high resolution; any encoder with slices on",
        done: "the marker bit and the time end a picture, not the slice",
        test: "slices_of_one_picture_are_one_packet",
    },
    Quirk {
        name: "no marker bits",
        does: "it never sets the RTP marker, so that only the next picture's time ends a picture",
        seen: "retina src/codec/h264.rs (\"ts change\")",
        done: "the picture ends with the next one's first packet",
        test: "a_camera_that_never_marks_the_end_of_a_picture_is_read",
    },
    Quirk {
        name: "pictures out of order",
        does: "it codes B pictures: times go back and forth",
        seen: "Hikvision H.264+ and H.265+, software servers",
        done: "packets keep the order of decoding and their own times",
        test: "reordered_pictures_keep_their_order_and_their_times",
    },
    Quirk {
        name: "a clock that wraps or jumps",
        does: "its 32-bit RTP time passes its end, is set, or runs back for a moment",
        seen: "every camera after 13 hours; Dahua when its time is set (moonfire-nvr design/time.md)",
        done: "the wrap is taken out; a jump is kept as it is and put right by arrivals when the recording is opened",
        test: "a_clock_that_jumps_neither_panics_nor_loses_pictures",
    },
    Quirk {
        name: "a clock that runs wrongly",
        does: "it says 90,000 ticks a second and counts milliseconds, counts pictures, or stands still",
        seen: "cheap OEM firmware (FFmpeg trac: \"Non-monotonous DTS\")",
        done: "after ten seconds the times of arrival are taken, to the end of the session",
        test: "a_clock_that_stands_still_or_runs_wrongly_gives_way_to_the_arrivals",
    },
    Quirk {
        name: "another clock rate",
        does: "its description names another rate than the 90,000 that RFC 6184 demands",
        seen: "OEM firmware (retina src/codec/h264.rs refuses it)",
        done: "its times are converted",
        test: "an_rtp_clock_of_another_rate_is_converted",
    },
    Quirk {
        name: "wrong rtptime and seq in the answer to PLAY",
        does: "what it announces as first time and number is not what it sends",
        seen: "TP-Link Tapo C320WS, Hikvision DS-2CD2032-I (retina issues)",
        done: "both are ignored",
        test: "a_wrong_beginning_in_the_answer_to_play_is_ignored",
    },
    Quirk {
        name: "a session id that changes",
        does: "its answers to SETUP and PLAY name different sessions",
        seen: "OEM cameras (retina SessionIdPolicy)",
        done: "the first is kept",
        test: "a_session_id_that_changes_is_no_reason_to_leave",
    },
    Quirk {
        name: "data on channels that nobody asked for",
        does: "it goes on sending an old session's packets into the new connection",
        seen: "Reolink RLC-410 and others with live555 before 2017 (retina issue 17)",
        done: "ignored; where the server names itself as such a live555, the stale session is waited out",
        test: "data_on_a_channel_never_asked_for_is_ignored",
    },
    Quirk {
        name: "requests of its own",
        does: "it sends a request (OPTIONS, SET_PARAMETER) while it plays",
        seen: "RFC 2326 section 10.1 allows it; found by fuzzing: retina 0.4.21 does not wake for what follows, which then came when the camera had nearly counted as silent",
        done: "the connection is looked at again within a fifth of a second; the request is not answered",
        test: "a_camera_that_asks_something_while_it_plays_is_read_on",
    },
    Quirk {
        name: "packets of another payload type",
        does: "it mixes in packets of payload type 50 with what is not video",
        seen: "Geovision (retina testdata geovision_sdp.txt)",
        done: "skipped",
        test: "packets_of_a_foreign_payload_type_are_skipped",
    },
    Quirk {
        name: "packets lost",
        does: "the way loses packets, which the camera has counted",
        seen: "UDP; cameras whose own buffer is full",
        done: "told before the next picture; nothing is shown until the next key frame; the hole is written down",
        test: "packets_that_are_counted_and_do_not_come_are_told_before_the_next_picture",
    },
    Quirk {
        name: "a picture that makes no sense",
        does: "one picture's packets break the rules of their payload format",
        seen: "cameras that are overloaded or whose firmware mixes streams",
        done: "the picture is dropped and told as lost; the session goes on",
        test: "a_damaged_picture_costs_itself_and_is_told",
    },
    Quirk {
        name: "a picture without end",
        does: "it sends middles of a picture for ever",
        seen: "none yet: what an attacker would do",
        done: "the session ends at 16 MiB",
        test: "a_picture_without_end_is_given_up_before_it_fills_the_memory",
    },
    Quirk {
        name: "no key frames",
        does: "it refreshes its picture gradually and sends no key frame, or one in minutes",
        seen: "\"smart\" codecs; encoders with intra refresh",
        done: "refused after a minute with the setting to change",
        test: "a_camera_without_key_frames_is_told_which_setting_to_change",
    },
    Quirk {
        name: "busy",
        does: "it answers 453 or 503 while all its places are taken, or while it starts",
        seen: "most cameras in the first seconds after a start",
        done: "tried again after a second, then less often; the gap says so",
        test: "a_camera_that_is_busy_at_first_is_recorded_when_it_is_not",
    },
    Quirk {
        name: "silence without an end",
        does: "it stops sending and keeps the connection open; sender reports may go on",
        seen: "encoders that hang; Wi-Fi cameras out of reach",
        done: "after ten seconds without a picture the session is begun anew",
        test: "a_camera_that_stops_without_closing_is_silent_and_connected_anew",
    },
    Quirk {
        name: "restarts every night",
        does: "it is away for a minute and comes back with other times and numbers",
        seen: "Dahua and Hikvision (\"auto maintain\")",
        done: "asked every two seconds while it is away",
        test: "a_camera_that_comes_back_is_recorded_within_three_seconds",
    },
    Quirk {
        name: "locks accounts",
        does: "it locks the account after five wrong passwords in half an hour",
        seen: "Hikvision, Dahua",
        done: "a refused password is tried again after a quarter of an hour, then every forty minutes, by streams and by ONVIF; ONVIF waits until the main stream runs",
        test: "a_refused_password_is_tried_so_rarely_that_no_account_is_locked",
    },
    Quirk {
        name: "sound that cannot be read",
        does: "its sound is coded as nothing that can be kept, breaks its rules, or is refused at SETUP",
        seen: "Dahua with G.723 (retina src/codec/mod.rs), cameras that announce AAC and send none",
        done: "pictures are recorded without it",
        test: "sound_that_is_refused_or_cannot_be_read_costs_no_picture",
    },
    Quirk {
        name: "its own certificate",
        does: "it speaks TLS with a certificate that it made itself",
        seen: "every camera with RTSPS",
        done: "refused until its fingerprint stands in the entry; then that one and no other is taken",
        test: "a_certificate_of_the_cameras_own_is_taken_when_it_is_pinned_and_only_then",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quirk_has_a_test_of_its_name() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut code = String::new();
        for folder in ["src", "src/rtsp", "tests", "../louver-media/src"] {
            for file in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|e| e == "rs") {
                    code.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        for quirk in QUIRKS {
            assert!(code.contains(&format!("fn {}(", quirk.test)), "{}: {}", quirk.name, quirk.test);
        }
    }
}
