//! One camera that is asked questions.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use hyper::StatusCode;
use louver_base::{WallSpan, WallTime};
use url::Url;

use crate::http::{Answer, Client};
use crate::soap::{self, Signature, ns};
use crate::words::{parts, plain};
use crate::xml::{Element, XmlError, whole};
use crate::{OnvifAddress, OnvifError, Streams, media};

/// How long one question may take; a camera that is asked for events takes as long as it was told to wait on top.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// What a camera says that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its maker's name, at most 64 letters.
    pub manufacturer: String,
    /// Its model, at most 64 letters.
    pub model: String,
    /// Its firmware's version, at most 64 letters.
    pub firmware: String,
}

/// What a look at a camera showed.
#[derive(Clone, Debug)]
pub struct Look {
    /// What it is.
    pub device: Device,
    /// Its clock less ours, to about a second; `None` if it does not tell the time.
    pub clock: Option<WallSpan>,
    /// Its streams, one for each picture source: a camera has one, a recorder or a camera with several lenses more.
    pub sources: Vec<Streams>,
}

/// Where a camera's services are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    pub(crate) media: Option<Url>,
    pub(crate) media2: Option<Url>,
    pub(crate) events: Option<Url>,
}

impl Services {
    /// From the answer to `GetServices`.
    pub(crate) fn listed(camera: &OnvifAddress, answer: &Element) -> Self {
        let of = |namespace| {
            let mut named = answer.all("Service").filter(|s| s.text_at(&["Namespace"]) == Some(namespace));
            named.find_map(|s| camera.service(s.text_at(&["XAddr"])?))
        };
        Self { media: of(ns::MEDIA), media2: of(ns::MEDIA2), events: of(ns::EVENTS) }
    }

    /// From the answer to `GetCapabilities`.
    pub(crate) fn capable(camera: &OnvifAddress, answer: &Element) -> Self {
        let of = |name| camera.service(answer.text_at(&["Capabilities", name, "XAddr"])?);
        Self { media: of("Media"), media2: None, events: of("Events") }
    }
}

/// One camera that is asked questions: signed with the camera's own time, never sent to another host.
pub struct Camera {
    address: OnvifAddress,
    client: Client,
    within: Duration,
    /// The camera's clock less ours.
    offset: WallSpan,
    services: Option<Services>,
}

impl Camera {
    /// Nothing is asked yet.
    pub fn new(address: OnvifAddress) -> Self {
        Self {
            address,
            client: Client::default(),
            within: ANSWER,
            offset: WallSpan::default(),
            services: None,
        }
    }

    /// With another limit for each question than 10 s.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Where it is asked.
    pub fn address(&self) -> &OnvifAddress {
        &self.address
    }

    /// The camera's clock less ours, to about a second; `None` if it does not tell. Signing goes by it from then on, because
    /// a camera refuses what is signed with a time that is not its own.
    ///
    /// # Errors
    ///
    /// As any question; a camera that wants a password even for this is asked once more with one.
    pub async fn clock(&mut self) -> Result<Option<WallSpan>, OnvifError> {
        const ASK: &str = "<tds:GetSystemDateAndTime/>";
        let device = self.address.url().clone();
        let before = WallTime::now();
        let answer = self.unsigned(&device, ns::DEVICE, "GetSystemDateAndTime", ASK).await;
        let answer = match answer {
            // It is asked for everything else all the same.
            Err(OnvifError::Fault(_) | OnvifError::Incomplete(_)) => return Ok(None),
            // The standard has everybody told the time (ONVIF Core specification, section 8.3.6); some cameras do not.
            Err(e) if e.is_sign_in() && self.address.credentials().is_some() => {
                self.ask(&device, ns::DEVICE, "GetSystemDateAndTime", ASK).await?
            }
            other => other?,
        };
        let now = before + WallSpan::from_micros((WallTime::now() - before).micros() / 2);
        let told = answer.path(&["SystemDateAndTime", "UTCDateTime"]).and_then(parts);
        // Told in whole seconds, cut off: on the average half of one has gone by.
        let offset = told.map(|told| told + WallSpan::from_millis(500) - now);
        if let Some(offset) = offset {
            self.offset = offset;
        }
        Ok(offset)
    }

    /// Looks at clock, make and streams.
    ///
    /// # Errors
    ///
    /// Whatever keeps the streams from being known; a camera that does not tell its make is looked at all the same.
    pub async fn look(&mut self) -> Result<Look, OnvifError> {
        let clock = self.clock().await?;
        let device = match self.device().await {
            Ok(device) => device,
            Err(e) if e.is_sign_in() => return Err(e),
            Err(_) => Device::default(),
        };
        let services = self.services().await?;
        let sources = media::streams(self, &services).await?.sources;
        Ok(Look { device, clock, sources })
    }

    /// The streams of each picture source, the camera's first one in front: whoever plays that would play another lens if it
    /// were left out. Of the others those that have an address are there.
    ///
    /// # Errors
    ///
    /// [`OnvifError::NotThere`] for a device that has no video to offer, or as any question.
    pub async fn streams(&mut self) -> Result<Vec<Streams>, OnvifError> {
        let services = self.services().await?;
        let found = media::streams(self, &services).await?;
        found.first.map_or(Ok(found.sources), Err)
    }

    async fn device(&mut self) -> Result<Device, OnvifError> {
        let url = self.address.url().clone();
        let answer =
            self.ask(&url, ns::DEVICE, "GetDeviceInformation", "<tds:GetDeviceInformation/>").await?;
        let said = |name| answer.text_at(&[name]).map(plain).unwrap_or_default();
        Ok(Device {
            manufacturer: said("Manufacturer"),
            model: said("Model"),
            firmware: said("FirmwareVersion"),
        })
    }

    /// Asked once; old cameras know only the older question.
    pub(crate) async fn services(&mut self) -> Result<Services, OnvifError> {
        if let Some(services) = &self.services {
            return Ok(services.clone());
        }
        let url = self.address.url().clone();
        let asked = "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>";
        let services = match self.ask(&url, ns::DEVICE, "GetServices", asked).await {
            Ok(answer) => Services::listed(&self.address, &answer),
            Err(e) if e.is_sign_in() => return Err(e),
            Err(_) => {
                let asked = "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>";
                let answer = self.ask(&url, ns::DEVICE, "GetCapabilities", asked).await?;
                Services::capable(&self.address, &answer)
            }
        };
        self.services = Some(services.clone());
        Ok(services)
    }

    /// Services are asked for anew: a camera that was updated may have them elsewhere.
    pub(crate) fn forget(&mut self) {
        self.services = None;
    }

    /// One question, signed, and what stands in its answer.
    pub(crate) async fn ask(
        &mut self,
        url: &Url,
        service: &str,
        name: &str,
        body: &str,
    ) -> Result<Element, OnvifError> {
        let action = format!("{service}/{name}");
        let within = self.within;
        let answer = self.exchange(url, &action, "", body, within).await?;
        self.understand(&answer, answered(name), whole)
    }

    async fn unsigned(
        &mut self,
        url: &Url,
        service: &str,
        name: &str,
        body: &str,
    ) -> Result<Element, OnvifError> {
        let action = format!("{service}/{name}");
        let message = soap::message("", body, None);
        let answer = self.client.post(url, &action, &message, None, self.within).await?;
        self.understand(&answer, answered(name), whole)
    }

    /// A signed message with headers of its own.
    pub(crate) async fn exchange(
        &mut self,
        url: &Url,
        action: &str,
        header: &str,
        body: &str,
        within: Duration,
    ) -> Result<Answer, OnvifError> {
        // Milliseconds: some cameras cannot read more digits.
        let created = WallTime::from_millis((WallTime::now() + self.offset).millis());
        let mut nonce = [0; 16];
        let drawn = SystemRandom::new().fill(&mut nonce);
        drawn.map_err(|_| OnvifError::Unreachable("the system gives no random numbers".into()))?;
        let signature =
            self.address.credentials().map(|credentials| Signature { credentials, created, nonce });
        let message = soap::message(header, body, signature.as_ref());
        self.client.post(url, action, &message, self.address.credentials(), within).await
    }

    /// An answer's element of that name.
    pub(crate) fn understand(
        &self,
        answer: &Answer,
        name: &'static str,
        skip: impl Fn(&Element, &str) -> bool,
    ) -> Result<Element, OnvifError> {
        let refused = || match self.address.credentials() {
            Some(_) => OnvifError::WrongPassword,
            None => OnvifError::PasswordNeeded,
        };
        match soap::response(&answer.body, name, skip) {
            Ok(element) => Ok(element),
            Err(OnvifError::WrongPassword) => Err(refused()),
            Err(_) if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(refused())
            }
            // Pages of other servers are HTML, which is no XML.
            Err(
                OnvifError::Unreadable(XmlError::Malformed | XmlError::DocumentType | XmlError::Entity)
                | OnvifError::Incomplete("a body"),
            ) if !answer.status.is_success()
                || !answer.body.windows(8).any(|w| w.eq_ignore_ascii_case(b"envelope")) =>
            {
                Err(OnvifError::NotOnvif(answer.status.as_u16()))
            }
            Err(e) => Err(e),
        }
    }
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// The name of a question's answer.
fn answered(name: &str) -> &'static str {
    match name {
        "GetSystemDateAndTime" => "GetSystemDateAndTimeResponse",
        "GetDeviceInformation" => "GetDeviceInformationResponse",
        "GetServices" => "GetServicesResponse",
        "GetCapabilities" => "GetCapabilitiesResponse",
        "GetProfiles" => "GetProfilesResponse",
        "GetStreamUri" => "GetStreamUriResponse",
        _ => "an answer",
    }
}
