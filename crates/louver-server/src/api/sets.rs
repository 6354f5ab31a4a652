//! The chain of holder sets, the next one, and the first (docs/keys.md, "Site's holders").

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use louver_base::WallTime;
use louver_opening::{Consent, HolderSetFile, Named, SignedSet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::Json;
use super::holds::{AgreedView, ConsentBody};
use super::openings::PartyView;
use crate::app::App;
use crate::openings::{Desk, agreed};

/// Bytes of a set's body at most: a document and 32 consents, as text within text.
pub(crate) const SET_BYTES: usize = 256 << 10;

/// A holder set and who agreed to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetBody {
    /// JSON, exactly as it was signed.
    pub(crate) document: String,
    /// Of holders of the set before.
    pub(crate) consents: Vec<ConsentBody>,
}

/// A site's first holder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstHolderBody {
    /// What the others will call them: 1 to 64 letters.
    pub(crate) name: String,
    /// The public half, `holder1…`; the secret stays where it was made.
    pub(crate) public: String,
}

/// A holder's signature under a set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentView {
    /// Who: 16 hex digits.
    pub(crate) holder: String,
    /// Ed25519, base64.
    pub(crate) signature: String,
}

/// A holder set, or what may become one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetView {
    /// From 1.
    pub(crate) number: u32,
    /// SHA-256 of its text, 64 hex digits.
    pub(crate) hash: String,
    /// Its exact text.
    pub(crate) document: String,
    /// Signatures of holders of the set before.
    pub(crate) consents: Vec<ConsentView>,
    /// When it was made, by the clock of who made it.
    pub(crate) at_ms: i64,
    /// How many holders must agree.
    pub(crate) needed: u8,
    /// Who gets a share.
    pub(crate) holders: Vec<PartyView>,
    /// Who can stop an opening.
    pub(crate) observers: Vec<PartyView>,
    /// Who agreed to it, with their names of then.
    pub(crate) by: Vec<AgreedView>,
    /// How many of the set before had to; 0 for the first.
    pub(crate) consents_needed: u8,
}

impl From<&Named> for PartyView {
    fn from(named: &Named) -> Self {
        let id = named.public.id().to_string();
        Self { id, name: named.name.clone(), public: named.public.to_string() }
    }
}

fn view(before: Option<&SignedSet>, set: &SignedSet) -> SetView {
    let consent = |c: &Consent| ConsentView { holder: c.holder.to_string(), signature: c.signature.clone() };
    let by = agreed(before, set).into_iter();
    SetView {
        number: set.number(),
        hash: set.hash().to_string(),
        document: set.text().to_owned(),
        consents: set.consents().iter().map(consent).collect(),
        at_ms: set.at_ms(),
        needed: set.set().needed(),
        holders: set.holders().iter().map(PartyView::from).collect(),
        observers: set.observers().iter().map(PartyView::from).collect(),
        by: by.map(|(id, name)| AgreedView { id: id.to_string(), name: name.to_owned() }).collect(),
        consents_needed: before.map_or(0, |before| before.set().needed()),
    }
}

fn desk(app: &App) -> ApiResult<&Desk> {
    app.desk.get().ok_or_else(|| ApiError::not_found("vault"))
}

fn file(body: SetBody) -> ApiResult<HolderSetFile> {
    let consent = |c: ConsentBody| {
        let holder = c.holder.parse().map_err(|e| ApiError::new(ErrorCode::BadRequest, format!("{e}.")))?;
        Ok(Consent { holder, signature: c.signature })
    };
    let consents = body.consents.into_iter().map(consent).collect::<ApiResult<Vec<_>>>()?;
    Ok(HolderSetFile { document: body.document, consents })
}

async fn answer(desk: &Desk, set: &SignedSet) -> SetView {
    let sets = desk.sets().read().await;
    view(sets.numbered(set.number().saturating_sub(1)), set)
}

/// All holder sets that there were, from the first; the last is in force. Who signs in checks the chain himself.
#[utoipa::path(get, path = "/api/v1/holders/sets", tag = "holders",
    responses((status = 200, body = Vec<SetView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_sets(State(app): State<App>) -> ApiResult<axum::Json<Vec<SetView>>> {
    let sets = desk(&app)?.sets().read().await;
    let all = sets.all();
    let views = all.iter().enumerate().map(|(n, set)| view(n.checked_sub(1).map(|n| &all[n]), set));
    Ok(axum::Json(views.collect()))
}

/// Puts the next holder set in force, with the consents of the holders before. The signatures say who; the session does not matter.
#[utoipa::path(post, path = "/api/v1/holders/sets", tag = "holders", request_body = SetBody,
    responses((status = 201, body = SetView), (status = "default", body = ErrorBody)))]
pub(crate) async fn post_set(State(app): State<App>, Json(body): Json<SetBody>) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let set = desk.take_set(file(body)?).await?;
    Ok((StatusCode::CREATED, axum::Json(answer(desk, &set).await)).into_response())
}

/// Next sets that wait for consents. They outlive a restart, until the holders are others.
#[utoipa::path(get, path = "/api/v1/holders/proposals", tag = "holders",
    responses((status = 200, body = Vec<SetView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_proposals(State(app): State<App>) -> ApiResult<axum::Json<Vec<SetView>>> {
    let desk = desk(&app)?;
    let waiting = desk.proposals().await;
    let sets = desk.sets().read().await;
    // One that was put in force meanwhile is none any more.
    let next = waiting.iter().filter(|p| sets.latest().is_some_and(|s| s.number() + 1 == p.number()));
    Ok(axum::Json(next.map(|p| view(sets.latest(), p)).collect()))
}

/// Proposes the next set, or agrees to a proposal: with the consent of one holder of today at least. It takes effect when it is posted.
#[utoipa::path(post, path = "/api/v1/holders/proposals", tag = "holders", request_body = SetBody,
    responses((status = 201, body = SetView), (status = "default", body = ErrorBody)))]
pub(crate) async fn post_proposal(State(app): State<App>, Json(body): Json<SetBody>) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let set = desk.propose(file(body)?).await?;
    Ok((StatusCode::CREATED, axum::Json(answer(desk, &set).await)).into_response())
}

/// Makes the first holder of a site that has none. Recording begins.
#[utoipa::path(post, path = "/api/v1/vault/first-holder", tag = "holders", request_body = FirstHolderBody,
    responses((status = 201, body = SetView), (status = "default", body = ErrorBody)))]
pub(crate) async fn first_holder(
    State(app): State<App>,
    Json(body): Json<FirstHolderBody>,
) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let public = body.public.parse();
    let public = public.map_err(|e| {
        ApiError::new(ErrorCode::BadRequest, format!("This is no holder's public half: {e}."))
    })?;
    let holder = Named { name: body.name.trim().to_owned(), public };
    let set = desk.first_holder(holder, WallTime::now()).await?;
    Ok((StatusCode::CREATED, axum::Json(answer(desk, &set).await)).into_response())
}
