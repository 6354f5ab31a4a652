//! Legal holds (docs/keys.md, "Legal hold").

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use louver_base::WallTime;
use louver_opening::{Consent, HoldFile, PartyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::Json;
use crate::app::App;
use crate::openings::{Desk, Held};

/// Bytes of a hold's body at most: a document and 64 consents.
pub(crate) const HOLD_BYTES: usize = 256 << 10;

/// A hold, or the end of one, and who signed it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldBody {
    /// JSON, exactly as it was signed: `louver hold` or `louver hold end`.
    pub(crate) document: String,
    /// As many as the holder set in force needs.
    pub(crate) consents: Vec<ConsentBody>,
}

/// A holder's consent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentBody {
    /// Who: 16 hex digits.
    pub(crate) holder: String,
    /// Ed25519, base64.
    pub(crate) signature: String,
}

/// A holder who agreed to a hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgreedView {
    /// 16 hex digits.
    pub(crate) id: String,
    /// Their name.
    pub(crate) name: String,
}

/// A legal hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// 32 hex digits: the beginning of the hash of its text.
    pub(crate) id: String,
    /// Its exact text.
    pub(crate) document: String,
    /// Camera ids.
    pub(crate) cameras: Vec<String>,
    /// From here ...
    pub(crate) from_ms: i64,
    /// ... to before here.
    pub(crate) to_ms: i64,
    /// Why.
    pub(crate) reason: String,
    /// Until when.
    pub(crate) until_ms: i64,
    /// When it was taken.
    pub(crate) at_ms: i64,
    /// When it ended, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) over_ms: Option<i64>,
    /// How many hours of all cameras are kept by it now.
    pub(crate) hours: u64,
    /// Who agreed.
    pub(crate) by: Vec<AgreedView>,
}

fn desk(app: &App) -> ApiResult<&Desk> {
    app.desk.get().ok_or_else(|| ApiError::not_found("vault"))
}

async fn view(desk: &Desk, held: &Held) -> HoldView {
    let sets = desk.sets().read().await;
    let name = |id: &PartyId| {
        let named = sets.all().iter().rev().flat_map(louver_opening::SignedSet::holders);
        named.into_iter().find(|n| PartyId::of(&n.public) == *id).map_or_else(String::new, |n| n.name.clone())
    };
    let (legal, hold) = (&held.hold, held.hold.hold());
    HoldView {
        id: hold.hash().id(),
        document: hold.text().to_owned(),
        cameras: hold.cameras().iter().map(ToString::to_string).collect(),
        from_ms: hold.from().millis(),
        to_ms: hold.to().millis(),
        reason: hold.reason().to_owned(),
        until_ms: hold.until().millis(),
        at_ms: legal.taken_ms(),
        over_ms: legal.over_ms(),
        hours: held.hours as u64,
        by: legal.by().iter().map(|id| AgreedView { id: id.to_string(), name: name(id) }).collect(),
    }
}

/// All legal holds that there were, the latest first.
#[utoipa::path(get, path = "/api/v1/holds", tag = "holds",
    responses((status = 200, body = Vec<HoldView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_holds(State(app): State<App>) -> ApiResult<axum::Json<Vec<HoldView>>> {
    let desk = desk(&app)?;
    let mut views = Vec::new();
    for held in desk.list_holds().await {
        views.push(view(desk, &held).await);
    }
    Ok(axum::Json(views))
}

/// Takes a hold, or the end of one, that enough holders signed. The signatures say who; the session does not matter.
#[utoipa::path(post, path = "/api/v1/holds", tag = "holds", request_body = HoldBody,
    responses((status = 201, body = HoldView), (status = "default", body = ErrorBody)))]
pub(crate) async fn post_hold(State(app): State<App>, Json(body): Json<HoldBody>) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let consent = |c: ConsentBody| {
        let holder = c.holder.parse().map_err(|e| ApiError::new(ErrorCode::BadRequest, format!("{e}.")))?;
        Ok(Consent { holder, signature: c.signature })
    };
    let consents = body.consents.into_iter().map(consent).collect::<ApiResult<Vec<_>>>()?;
    let id = desk.take_hold(HoldFile { document: body.document, consents }, WallTime::now()).await?;
    let all = desk.list_holds().await;
    let held = all.iter().find(|held| held.hold.hold().hash().id() == id);
    let held = held.ok_or_else(|| ApiError::not_found("hold"))?;
    Ok((StatusCode::CREATED, axum::Json(view(desk, held).await)).into_response())
}
