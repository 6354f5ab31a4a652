//! Asking a camera again and again what happened (pull point, ONVIF Core specification, section 9.2).

use std::time::Duration;

use url::Url;

use crate::OnvifError;
use crate::camera::{ANSWER, Camera};
use crate::events::{Said, filter, foreign, said};
use crate::soap::ns;
use crate::xml::{Element, escaped, whole};

/// How long the camera keeps the subscription when nobody asks.
const KEPT: &str = "PT120S";
/// Bytes of what the camera wants to have repeated with each question.
const REFERENCE_MAX: usize = 4096;

/// A camera's promise to keep its messages.
pub(crate) struct PullPoint {
    url: Url,
    /// Headers of every question: where it goes, and what the camera wants repeated.
    to: String,
}

impl PullPoint {
    /// Asks for the topics that are read, or, where the camera does not understand that, for all: others are dropped unread.
    pub(crate) async fn subscribe(camera: &mut Camera, events: &Url) -> Result<Self, OnvifError> {
        let mut refused = None;
        for filter in [filter(), String::new()] {
            let body = format!(
                "<tev:CreatePullPointSubscription>{filter}<tev:InitialTerminationTime>{KEPT}</tev:InitialTerminationTime>\
                 </tev:CreatePullPointSubscription>"
            );
            let action = format!("{}/EventPortType/CreatePullPointSubscriptionRequest", ns::EVENTS);
            let answer = camera.exchange(events, &action, &headers(&action, events), &body, ANSWER).await?;
            match camera.understand(&answer, "CreatePullPointSubscriptionResponse", whole) {
                Ok(answer) => return Self::read(camera, events, &answer),
                Err(e @ OnvifError::Fault(_)) => refused = Some(e),
                Err(e) => return Err(e),
            }
        }
        Err(refused.unwrap_or(OnvifError::NotThere("events")))
    }

    fn read(camera: &Camera, events: &Url, answer: &Element) -> Result<Self, OnvifError> {
        let reference =
            answer.child("SubscriptionReference").ok_or(OnvifError::Incomplete("a subscription"))?;
        let said = reference.text_at(&["Address"]);
        let url = said.and_then(|said| camera.address().service(said)).unwrap_or_else(|| events.clone());
        // WS-Addressing, section 2.1: what stands there is repeated as headers.
        let mut to = String::new();
        for parameter in reference.child("ReferenceParameters").into_iter().flat_map(|p| &p.children).take(8)
        {
            let namespace = parameter.namespace.as_deref().unwrap_or_default();
            let (name, text) = (&parameter.name, escaped(&parameter.text));
            let plain =
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if plain && to.len() + name.len() * 2 + namespace.len() + text.len() < REFERENCE_MAX {
                to += &format!(
                    "<r:{name} xmlns:r=\"{}\" a:IsReferenceParameter=\"true\">{text}</r:{name}>",
                    escaped(namespace)
                );
            }
        }
        Ok(Self { url, to })
    }

    /// What happened since it was asked last; waits up to `wait` for something to happen.
    pub(crate) async fn pull(&self, camera: &mut Camera, wait: Duration) -> Result<Vec<Said>, OnvifError> {
        let body = format!(
            "<tev:PullMessages><tev:Timeout>PT{}S</tev:Timeout><tev:MessageLimit>64</tev:MessageLimit></tev:PullMessages>",
            wait.as_secs()
        );
        let action = format!("{}/PullPointSubscription/PullMessagesRequest", ns::EVENTS);
        let answer =
            camera.exchange(&self.url, &action, &self.headers(&action), &body, wait + ANSWER).await?;
        Ok(said(&camera.understand(&answer, "PullMessagesResponse", foreign)?))
    }

    /// Has the camera keep the subscription; some do so by themselves and do not understand this.
    pub(crate) async fn renew(&self, camera: &mut Camera) -> Result<(), OnvifError> {
        let body = format!("<wsnt:Renew><wsnt:TerminationTime>{KEPT}</wsnt:TerminationTime></wsnt:Renew>");
        self.manage(camera, "Renew", &body).await
    }

    /// Tells the camera that nobody will ask again.
    pub(crate) async fn unsubscribe(&self, camera: &mut Camera) -> Result<(), OnvifError> {
        self.manage(camera, "Unsubscribe", "<wsnt:Unsubscribe/>").await
    }

    async fn manage(&self, camera: &mut Camera, name: &str, body: &str) -> Result<(), OnvifError> {
        let action = format!("http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/{name}Request");
        camera
            .exchange(&self.url, &action, &self.headers(&action), body, Duration::from_secs(3))
            .await
            .map(drop)
    }

    fn headers(&self, action: &str) -> String {
        headers(action, &self.url) + &self.to
    }
}

/// WS-Addressing, without which many cameras do not know what is asked.
fn headers(action: &str, to: &Url) -> String {
    format!(
        "<a:Action s:mustUnderstand=\"true\">{action}</a:Action><a:To s:mustUnderstand=\"true\">{}</a:To>",
        escaped(to.as_str())
    )
}
