//! Which streams a camera has, and which of them are recorded and seen.

use std::fmt;

use louver_base::CameraAddress;
use url::Url;

use crate::OnvifError;
use crate::camera::{Camera, Services};
use crate::soap::ns;
use crate::words::plain;
use crate::xml::{Element, escaped};

/// Profiles that are looked at: a recorder with 32 channels has 64.
const PROFILES_MAX: usize = 64;
/// Letters of a token (ONVIF: `tt:ReferenceToken`).
const TOKEN_MAX: usize = 64;
/// The size that seeing wants.
const SUB_AREA: f64 = 640.0 * 360.0;

/// How pictures are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// H.264.
    H264,
    /// H.265.
    H265,
    /// Each picture by itself.
    Jpeg,
    /// Anything else, in the camera's word.
    Other(String),
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Jpeg => "MJPEG",
            Self::Other(word) => word,
        })
    }
}

impl Encoding {
    fn read(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "H264" => Self::H264,
            "H265" | "HEVC" => Self::H265,
            "JPEG" => Self::Jpeg,
            _ => Self::Other(plain(word)),
        }
    }
}

/// One stream as the camera describes it; what it really sends only a look at the stream tells.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The camera's name for its settings, at most 64 letters.
    pub profile: String,
    /// How pictures are coded.
    pub encoding: Encoding,
    /// Pixels; at least one each way.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second at most.
    pub pictures_per_second: Option<f32>,
    /// Pictures from one key frame to the next.
    pub key_interval: Option<u32>,
    /// Kilobits a second at most.
    pub kbit_per_second: Option<u32>,
    /// Where it is played, on the camera's own host, with the user name and password that it was asked with.
    pub address: CameraAddress,
}

impl Stream {
    /// Whether all but the address is the same.
    pub(crate) fn is_set_as(&self, other: &Self) -> bool {
        (&self.encoding, self.width, self.height, self.key_interval)
            == (&other.encoding, other.width, other.height, other.key_interval)
            && self.pictures_per_second == other.pictures_per_second
    }
}

/// What is recorded and what is seen of one picture source.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The largest picture.
    pub main: Stream,
    /// The smaller one that is nearest to 640x360, if there is one.
    pub sub: Option<Stream>,
}

/// What a camera told of its picture sources.
#[derive(Default)]
pub(crate) struct Found {
    /// Those whose main stream has an address, in the camera's order.
    pub(crate) sources: Vec<Streams>,
    /// Why its first is not among them, if so.
    pub(crate) first: Option<OnvifError>,
}

/// A profile without its address.
struct Profile {
    token: String,
    /// The picture source that it belongs to.
    source: String,
    stream: Described,
}

struct Described {
    encoding: Encoding,
    width: u32,
    height: u32,
    pictures_per_second: Option<f32>,
    key_interval: Option<u32>,
    kbit_per_second: Option<u32>,
}

/// Asks the newer media service, which alone knows H.265, and else the older one.
pub(crate) async fn streams(camera: &mut Camera, services: &Services) -> Result<Found, OnvifError> {
    if services.media.is_none() && services.media2.is_none() {
        return Err(OnvifError::NotThere("video that ONVIF could name"));
    }
    if let Some(url) = &services.media2 {
        match of_service(camera, url, &Media2).await {
            Ok(found) if !found.sources.is_empty() => return Ok(found),
            // Some have the newer service in name only.
            Ok(_) => {}
            Err(e) if e.is_sign_in() || services.media.is_none() => return Err(e),
            Err(_) => {}
        }
    }
    let Some(url) = &services.media else { return Err(OnvifError::NotThere("video profile")) };
    let found = of_service(camera, url, &Media1).await?;
    match (found.sources.is_empty(), found.first) {
        (true, None) => Err(OnvifError::NotThere("video profile")),
        (true, Some(why)) => Err(why),
        (false, first) => Ok(Found { first, ..found }),
    }
}

/// Whether the camera answered, and only this question was not one that it has an answer to.
fn concerns_one(error: &OnvifError) -> bool {
    match error {
        OnvifError::Fault(_)
        | OnvifError::Incomplete(_)
        | OnvifError::NotThere(_)
        | OnvifError::NotOnvif(_)
        | OnvifError::Unreadable(_) => true,
        OnvifError::NameNotFound(_)
        | OnvifError::ConnectionRefused
        | OnvifError::Unreachable(_)
        | OnvifError::NoAnswer(_)
        | OnvifError::NotHttp
        | OnvifError::PasswordNeeded
        | OnvifError::WrongPassword
        | OnvifError::ClearText
        | OnvifError::Elsewhere => false,
    }
}

async fn of_service(camera: &mut Camera, url: &Url, service: &impl Service) -> Result<Found, OnvifError> {
    let answer = camera.ask(url, service.namespace(), "GetProfiles", service.ask_profiles()).await?;
    let mut found = Found::default();
    for (n, (main, sub)) in by_source(service, &answer).into_iter().filter_map(choose).enumerate() {
        let main = match located(camera, url, service, main).await {
            Ok(main) => main,
            // A channel without a camera, say: the others have theirs.
            Err(e) if concerns_one(&e) => {
                if n == 0 {
                    found.first = Some(e);
                }
                continue;
            }
            Err(e) => return Err(e),
        };
        let sub = match sub {
            Some(sub) => match located(camera, url, service, sub).await {
                Ok(sub) => Some(sub),
                Err(e) if concerns_one(&e) => None,
                Err(e) => return Err(e),
            },
            None => None,
        };
        found.sources.push(Streams { main, sub });
    }
    Ok(found)
}

/// The profiles of an answer, each picture source's together.
fn by_source(service: &impl Service, answer: &Element) -> Vec<Vec<Profile>> {
    let mut sources: Vec<Vec<Profile>> = Vec::new();
    for profile in answer.all("Profiles").take(PROFILES_MAX).filter_map(|p| service.read(p)) {
        let same = |of: &&mut Vec<Profile>| of.first().is_some_and(|p| p.source == profile.source);
        match sources.iter_mut().find(same) {
            Some(of_source) => of_source.push(profile),
            None => sources.push(vec![profile]),
        }
    }
    sources
}

/// For the fuzzer: the pixels of what would be recorded and seen.
pub(crate) fn sizes(answer: &Element) -> Vec<(u64, Option<u64>)> {
    let size = |p: &Profile| u64::from(p.stream.width) * u64::from(p.stream.height);
    let chosen = by_source(&Media1, answer).into_iter().chain(by_source(&Media2, answer)).filter_map(choose);
    chosen.map(|(main, sub)| (size(&main), sub.as_ref().map(size))).collect()
}

/// The largest picture and, of the smaller ones, the one that is nearest to what seeing wants. Of equals the first: cameras
/// name the best first. MJPEG only where there is nothing else, and what cannot be recorded only where nothing can.
fn choose(profiles: Vec<Profile>) -> Option<(Profile, Option<Profile>)> {
    let area = |p: &Profile| f64::from(p.stream.width) * f64::from(p.stream.height);
    let worth = |p: &Profile| match p.stream.encoding {
        Encoding::H264 | Encoding::H265 => 2,
        Encoding::Jpeg => 1,
        Encoding::Other(_) => 0,
    };
    let best = profiles.iter().map(worth).max()?;
    let mut of: Vec<_> = profiles.into_iter().filter(|p| worth(p) == best).collect();
    // `max_by` takes the last of equals.
    let main = (0..of.len()).rev().max_by(|a, b| {
        let area = |n: &usize| of.get(*n).map_or(0.0, area);
        area(a).total_cmp(&area(b))
    })?;
    let main = of.remove(main);
    let off = |p: &Profile| (area(p) / SUB_AREA).ln().abs();
    let smaller = of.into_iter().filter(|p| area(p) < area(&main));
    let sub = smaller.min_by(|a, b| off(a).total_cmp(&off(b)));
    Some((main, sub))
}

async fn located(
    camera: &mut Camera,
    url: &Url,
    service: &impl Service,
    profile: Profile,
) -> Result<Stream, OnvifError> {
    let ask = service.ask_address(&escaped(&profile.token));
    let answer = camera.ask(url, service.namespace(), "GetStreamUri", &ask).await?;
    let said = service.address(&answer).ok_or(OnvifError::Incomplete("a stream's address"))?;
    let address = camera.address().stream(said).ok_or(OnvifError::Incomplete("a stream's RTSP address"))?;
    let Described { encoding, width, height, pictures_per_second, key_interval, kbit_per_second } =
        profile.stream;
    let profile = plain(&profile.token);
    Ok(Stream {
        profile,
        encoding,
        width,
        height,
        pictures_per_second,
        key_interval,
        kbit_per_second,
        address,
    })
}

/// The two generations of the media service.
trait Service {
    fn namespace(&self) -> &'static str;
    fn ask_profiles(&self) -> &'static str;
    fn ask_address(&self, token: &str) -> String;
    fn address<'a>(&self, answer: &'a Element) -> Option<&'a str>;
    /// Where a profile has its encoder's and its source's settings.
    fn parts<'a>(&self, profile: &'a Element) -> (Option<&'a Element>, Option<&'a Element>);
    /// Pictures between key frames.
    fn key_interval(&self, encoder: &Element) -> Option<u32>;

    fn read(&self, profile: &Element) -> Option<Profile> {
        let token = profile.attribute("token").filter(|t| !t.is_empty() && t.len() <= TOKEN_MAX)?;
        let (encoder, source) = self.parts(profile);
        let encoder = encoder?;
        let number = |path: &[&str]| encoder.text_at(path)?.parse::<u32>().ok().filter(|n| *n > 0);
        // Media 2 has pictures a second with a fraction.
        let rate = encoder.text_at(&["RateControl", "FrameRateLimit"]).and_then(|r| r.parse::<f32>().ok());
        Some(Profile {
            token: token.to_owned(),
            source: source.and_then(|s| s.text_at(&["SourceToken"])).unwrap_or_default().to_owned(),
            stream: Described {
                encoding: Encoding::read(encoder.text_at(&["Encoding"]).unwrap_or("?")),
                width: number(&["Resolution", "Width"])?,
                height: number(&["Resolution", "Height"])?,
                pictures_per_second: rate.filter(|r| r.is_finite() && *r > 0.0 && *r <= 1000.0),
                key_interval: self.key_interval(encoder).filter(|n| *n > 0),
                kbit_per_second: number(&["RateControl", "BitrateLimit"]),
            },
        })
    }
}

struct Media1;

impl Service for Media1 {
    fn namespace(&self) -> &'static str {
        ns::MEDIA
    }

    fn ask_profiles(&self) -> &'static str {
        "<trt:GetProfiles/>"
    }

    fn ask_address(&self, token: &str) -> String {
        format!(
            "<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>\
             </tt:Transport></trt:StreamSetup><trt:ProfileToken>{token}</trt:ProfileToken></trt:GetStreamUri>"
        )
    }

    fn address<'a>(&self, answer: &'a Element) -> Option<&'a str> {
        answer.text_at(&["MediaUri", "Uri"])
    }

    fn parts<'a>(&self, profile: &'a Element) -> (Option<&'a Element>, Option<&'a Element>) {
        (profile.child("VideoEncoderConfiguration"), profile.child("VideoSourceConfiguration"))
    }

    fn key_interval(&self, encoder: &Element) -> Option<u32> {
        ["H264", "MPEG4"].iter().find_map(|kind| encoder.text_at(&[kind, "GovLength"])?.parse().ok())
    }
}

struct Media2;

impl Service for Media2 {
    fn namespace(&self) -> &'static str {
        ns::MEDIA2
    }

    fn ask_profiles(&self) -> &'static str {
        "<tr2:GetProfiles><tr2:Type>VideoSource</tr2:Type><tr2:Type>VideoEncoder</tr2:Type></tr2:GetProfiles>"
    }

    fn ask_address(&self, token: &str) -> String {
        format!(
            "<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>{token}</tr2:ProfileToken></tr2:GetStreamUri>"
        )
    }

    fn address<'a>(&self, answer: &'a Element) -> Option<&'a str> {
        answer.text_at(&["Uri"])
    }

    fn parts<'a>(&self, profile: &'a Element) -> (Option<&'a Element>, Option<&'a Element>) {
        (profile.path(&["Configurations", "VideoEncoder"]), profile.path(&["Configurations", "VideoSource"]))
    }

    fn key_interval(&self, encoder: &Element) -> Option<u32> {
        encoder.attribute("GovLength")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::whole;

    fn profile(token: &str, encoding: Encoding, width: u32, height: u32) -> Profile {
        let (pictures_per_second, key_interval, kbit_per_second) = (None, None, None);
        let stream =
            Described { encoding, width, height, pictures_per_second, key_interval, kbit_per_second };
        Profile { token: token.into(), source: String::new(), stream }
    }

    fn chosen(profiles: Vec<Profile>) -> Option<(String, Option<String>)> {
        choose(profiles).map(|(main, sub)| (main.token, sub.map(|s| s.token)))
    }

    #[test]
    fn the_largest_is_recorded_and_the_one_nearest_to_640x360_is_seen() {
        use Encoding::{H264, H265, Jpeg};
        let of = |main: &str, sub: &str| Some((main.to_owned(), Some(sub.to_owned())));
        let three = || {
            vec![
                profile("third", H264, 1280, 720),
                profile("second", H264, 704, 576),
                profile("first", H265, 3840, 2160),
            ]
        };
        assert_eq!(chosen(three()), of("first", "second"));
        let mut with_jpeg = three();
        with_jpeg.push(profile("jpeg", Jpeg, 640, 360));
        assert_eq!(chosen(with_jpeg), of("first", "second"));
        let same = vec![profile("a", H264, 1920, 1080), profile("b", H264, 1920, 1080)];
        assert_eq!(chosen(same), Some(("a".into(), None)), "another of the same size is no sub stream");
        let jpeg = vec![profile("a", Jpeg, 1920, 1080), profile("b", Jpeg, 320, 180)];
        assert_eq!(chosen(jpeg), of("a", "b"));
        // MPEG-4, say, which old cameras name beside H.264 and MJPEG.
        let other = |token, width, height| profile(token, Encoding::Other("MPEG4".into()), width, height);
        let mixed = vec![other("o", 1920, 1080), profile("a", H264, 1280, 720), other("p", 640, 360)];
        assert_eq!(chosen(mixed), Some(("a".into(), None)));
        let mixed = vec![other("o", 1920, 1080), profile("b", Jpeg, 320, 180)];
        assert_eq!(chosen(mixed), Some(("b".into(), None)));
        assert_eq!(chosen(vec![other("o", 1920, 1080), other("p", 640, 360)]), of("o", "p"));
        assert_eq!(chosen(vec![]), None);
    }

    #[test]
    fn both_generations_of_the_service_are_read() {
        let read = |service: &dyn Fn(&Element) -> Option<Profile>, text: &str| {
            service(&Element::parse(text.as_bytes(), whole).unwrap())
        };
        let old = "<Profiles token='P1'><VideoSourceConfiguration><SourceToken>V1</SourceToken></VideoSourceConfiguration>\
            <VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>1920</Width><Height>1080</Height></Resolution>\
            <RateControl><FrameRateLimit>25</FrameRateLimit><BitrateLimit>4096</BitrateLimit></RateControl>\
            <H264><GovLength>50</GovLength></H264></VideoEncoderConfiguration></Profiles>";
        let new = "<Profiles token='P1'><Configurations><VideoSource><SourceToken>V1</SourceToken></VideoSource>\
            <VideoEncoder GovLength='50'><Encoding>H264</Encoding><Resolution><Width>1920</Width><Height>1080</Height></Resolution>\
            <RateControl><FrameRateLimit>25.0</FrameRateLimit><BitrateLimit>4096</BitrateLimit></RateControl></VideoEncoder>\
            </Configurations></Profiles>";
        for profile in [read(&|p| Media1.read(p), old), read(&|p| Media2.read(p), new)] {
            let Profile { token, source, stream } = profile.unwrap();
            assert_eq!((token.as_str(), source.as_str()), ("P1", "V1"));
            assert_eq!((stream.encoding, stream.width, stream.height), (Encoding::H264, 1920, 1080));
            assert_eq!(
                (stream.pictures_per_second, stream.key_interval, stream.kbit_per_second),
                (Some(25.0), Some(50), Some(4096))
            );
        }
        let without_encoder = "<Profiles token='P1'/>";
        assert!(read(&|p| Media1.read(p), without_encoder).is_none());
        assert!(read(&|p| Media1.read(p), &old.replace("1920", "0")).is_none());
        assert!(read(&|p| Media1.read(p), &old.replace("P1", &"x".repeat(1000))).is_none());
    }
}
