//! What real encoders and a real packetizer send: ffmpeg's RTP, caught on loopback.

use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Rtp;

/// Streams as they were sent, at their pace, and their description with a control for each.
pub struct Sent {
    pub sdp: String,
    /// `Rtp::Packet` on channel 0 for pictures, 2 for sound.
    pub packets: Vec<Rtp>,
}

/// A second of a moving pattern (and of a tone) at 10 pictures a second, coded so; `None`, with a line, where ffmpeg or its
/// encoder is missing.
pub fn sent(size: &str, video: &[&str], audio: Option<&[&str]>) -> Option<Sent> {
    let sockets: Vec<UdpSocket> = (0..2).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let to = |n: usize| format!("rtp://127.0.0.1:{}?pkt_size=1200", sockets[n].local_addr().unwrap().port());
    let dir = tempfile::tempdir().unwrap();
    let described = dir.path().join("sdp");
    let mut ffmpeg = Command::new("ffmpeg");
    let pattern = format!("testsrc2=size={size}:rate=10:duration=1");
    ffmpeg.args(["-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", &pattern]);
    if audio.is_some() {
        ffmpeg.args(["-re", "-f", "lavfi", "-i", "sine=frequency=500:sample_rate=8000:duration=1"]);
    }
    ffmpeg.args(["-map", "0:v", "-sdp_file"]).arg(&described).args(video).args(["-f", "rtp", &to(0)]);
    if let Some(audio) = audio {
        ffmpeg.args(["-map", "1:a"]).args(audio).args(["-f", "rtp", &to(1)]);
    }
    let mut child = ffmpeg.stdin(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    sockets.iter().for_each(|s| s.set_nonblocking(true).unwrap());
    let (mut packets, mut buffer, began) = (Vec::new(), [0; 2048], Instant::now());
    let (mut quiet_since, mut last) = (None, None::<Instant>);
    while quiet_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_millis(200)) {
        assert!(began.elapsed() < Duration::from_secs(60), "ffmpeg ends");
        let mut any = false;
        for (n, socket) in sockets.iter().enumerate() {
            while let Ok(size) = socket.recv(&mut buffer) {
                let since = last.replace(Instant::now()).map_or(Duration::ZERO, |at| at.elapsed());
                if since > Duration::from_millis(5) {
                    // An encoder that starts slowly is no camera that went silent.
                    packets.push(Rtp::Pause(since.min(Duration::from_millis(150))));
                }
                packets.push(Rtp::Packet(2 * n as u8, buffer[..size].to_vec()));
                any = true;
            }
        }
        if any || child.try_wait().unwrap().is_none() {
            quiet_since = None;
            std::thread::sleep(Duration::from_millis(1));
        } else {
            quiet_since.get_or_insert_with(Instant::now);
        }
    }
    if packets.is_empty() {
        println!("skipped: ffmpeg cannot make {video:?} {audio:?} here");
        return None;
    }
    let mut sdp = String::from("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n");
    let text = std::fs::read_to_string(described).unwrap();
    let sections: Vec<&str> = text.split("\nm=").skip(1).collect();
    for (n, section) in sections.iter().enumerate() {
        let lines: Vec<&str> =
            section.lines().map(str::trim_end).filter(|l| !l.starts_with("a=control")).collect();
        sdp.push_str(&format!("m={}\r\na=control:trackID={n}\r\n", lines.join("\r\n")));
    }
    Some(Sent { sdp, packets })
}

/// The same packets with their numbers counted by the camera, `later` ticks later.
pub fn renumbered(packets: &[Rtp], later: u32) -> Vec<Rtp> {
    let one = |rtp: &Rtp| match rtp {
        Rtp::Packet(_, p) => {
            let time = u32::from_be_bytes([p[4], p[5], p[6], p[7]]).wrapping_add(later);
            Rtp::Payload(time, p[1] & 0x80 != 0, p[12..].to_vec())
        }
        other => other.clone(),
    };
    packets.iter().filter(|p| !matches!(p, Rtp::Pause(_))).map(one).collect()
}

/// RTP time of the first packet.
pub fn first_time(packets: &[Rtp]) -> u32 {
    match &packets[0] {
        Rtp::Packet(_, p) => u32::from_be_bytes([p[4], p[5], p[6], p[7]]),
        _ => 0,
    }
}
