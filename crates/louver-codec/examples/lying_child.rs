//! A decoding process that somebody took over, as far as its parent can tell: it answers, and lies. Run by the tests.
//!
//! The lie's number is its argument; `src/apart/protocol.rs` says what stands where in a message.

use louver_jail::{Inside, MESSAGE_BYTES, Message};

const DONE: u8 = 1;
const PICTURE: u8 = 2;
const FAULT: u8 = 3;

fn main() {
    let lie: u32 = std::env::args().nth(1).and_then(|word| word.parse().ok()).expect("the lie's number");
    let mut inside = Inside::enter(|| ()).expect("started by a test");
    let mut size = [0; 8];
    while let Some(request) = inside.message() {
        let mut answer: Message = [0; MESSAGE_BYTES];
        answer[0] = DONE;
        answer[4..12].copy_from_slice(&request[4..12]);
        if request[0] == 1 {
            size.copy_from_slice(&request[24..32]);
            inside.answer(&answer);
            continue;
        }
        // A picture as it should be, to begin with.
        let honest = |answer: &mut Message| {
            (answer[0], answer[2]) = (PICTURE, 1);
            answer[16..24].copy_from_slice(&request[16..24]);
            answer[24..32].copy_from_slice(&size);
        };
        match lie {
            // Of another request, of another decoder.
            0 => answer[8] ^= 1,
            1 => answer[4] ^= 1,
            // More pictures than there can be, without and with one.
            2 => answer[12..16].fill(0xff),
            3 => {
                honest(&mut answer);
                answer[12..16].fill(0xff);
            }
            // Pictures without end: there is always one left.
            4 => {
                honest(&mut answer);
                answer[12] = 1;
            }
            // Twice as wide, as large as can be, none.
            5 => {
                honest(&mut answer);
                answer[25] ^= 2;
            }
            6 => {
                honest(&mut answer);
                answer[24..32].copy_from_slice(&[0, 0x20, 0, 0, 0, 0x20, 0, 0]);
            }
            7 => {
                honest(&mut answer);
                answer[24..32].fill(0);
            }
            // From another time.
            8 => {
                honest(&mut answer);
                answer[23] ^= 0x40;
            }
            // Something else, and numbers of errors that are none.
            9 => answer.fill(0xff),
            10 => {
                (answer[0], answer[1]) = (FAULT, 3);
                answer[32..36].copy_from_slice(&i32::MIN.to_le_bytes());
            }
            // Two answers to each request.
            11 => {
                inside.answer(&answer);
            }
            // Whatever comes, behind a head that is right.
            12 => {
                let mut noise = u64::from_le_bytes([
                    request[8],
                    request[9],
                    request[10],
                    request[4],
                    request[5],
                    1,
                    1,
                    1,
                ]);
                for byte in &mut answer[12..] {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    *byte = if noise & 0x300 == 0 { noise as u8 } else { 0 };
                }
                (answer[0], answer[1], answer[2]) =
                    ((noise >> 20) as u8 & 3, (noise >> 30) as u8 & 7, (noise >> 40) as u8 & 1);
                if noise & 0x1000 != 0 {
                    answer[24..32].copy_from_slice(&size);
                }
            }
            // A picture that is none of the camera's, in all that can be checked as it should be.
            _ => {
                honest(&mut answer);
                inside.memory().fill(0xee);
            }
        }
        inside.answer(&answer);
    }
}
