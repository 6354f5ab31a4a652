//! Openings of originals (docs/opening.md).

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_opening::{End, Granted, PartyId, Role, Said, Signed, State as At, Statement};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::OWNER;
use crate::auth::gate::{Caller, Speaker, Visitor};
use crate::openings::{Desk, DeskError, Item};

/// Bytes of a statement's body at most: shares of 31 days of 32 cameras.
pub(crate) const STATEMENT_BYTES: usize = 24 << 20;
/// Bytes of a draft's body at most: the longest draft, and a backslash before each of its quotes.
pub(crate) const EXPORT_BYTES: usize = 40 << 20;

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        let sentence = error.to_string();
        let sentence = format!("{}{}.", sentence[..1].to_uppercase(), &sentence[1..]);
        match &error {
            DeskError::Unknown => Self::not_found("request, or nothing of it is open to you"),
            DeskError::Ledger(cause) => {
                tracing::error!(%cause, "the ledger could not be written");
                Self::new(ErrorCode::LedgerFailed, sentence)
            }
            DeskError::Store(cause) => Self::internal("keeping a request", cause),
            DeskError::Hold(cause) => Self::internal("holding what is asked for", cause),
            DeskError::Contradiction => Self::internal("reading a request", &error),
            DeskError::SetRefused(_)
            | DeskError::NobodyAgreed
            | DeskError::HoldersThere
            | DeskError::HoldersLost => Self::new(ErrorCode::HoldersRefused, sentence),
            DeskError::Refused(_)
            | DeskError::HoldRefused(_)
            | DeskError::TooManyHolds(_)
            | DeskError::TooMany(_)
            | DeskError::NothingThere
            | DeskError::TwoSets(_)
            | DeskError::Draft(_)
            | DeskError::NotAsReleased(_)
            | DeskError::ForeignSet
            | DeskError::NoHolders => Self::new(ErrorCode::OpeningRefused, sentence),
        }
    }
}

/// Somebody on the list of holders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartyView {
    /// 16 hex digits.
    pub(crate) id: String,
    /// What the others call them.
    pub(crate) name: String,
    /// The public half, `holder1…`.
    pub(crate) public: String,
}

/// Whether there is anybody who could open anything.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VaultState {
    /// There are holders.
    Ready,
    /// There is none: nothing is recorded.
    NoHolder,
}

/// Who can open originals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VaultView {
    /// The site, 32 hex digits.
    pub(crate) site: String,
    /// Whether there is anybody.
    pub(crate) state: VaultState,
    /// Number of the holder set in force; 0 where there is none.
    pub(crate) set_number: u32,
    /// How many holders must agree.
    pub(crate) needed: u8,
    /// The holders.
    pub(crate) holders: Vec<PartyView>,
    /// Those who can stop an opening.
    pub(crate) observers: Vec<PartyView>,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpeningState {
    /// Waits for holders.
    Asked,
    /// May be watched by who asked.
    Released,
    /// Too many holders said no.
    Denied,
    /// An observer stopped it.
    Vetoed,
    /// Too few agreed in time.
    Expired,
    /// Who asked took it back.
    Withdrawn,
    /// The time for watching is over.
    Closed,
}

/// A camera and a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantedView {
    /// Camera id.
    pub(crate) camera: String,
    /// From here ...
    pub(crate) from_ms: i64,
    /// ... to before here.
    pub(crate) to_ms: i64,
}

/// What somebody said.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatementKind {
    /// Agrees.
    Approval,
    /// Does not agree.
    Denial,
    /// Stops it.
    Veto,
}

/// A statement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementView {
    /// Who: 16 hex digits.
    pub(crate) holder: String,
    /// Their name.
    pub(crate) name: String,
    /// What.
    pub(crate) kind: StatementKind,
    /// When, by the signer's clock.
    pub(crate) at_ms: i64,
    /// Of an approval: the cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cameras: Option<Vec<String>>,
    /// Of an approval: from here ...
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) from_ms: Option<i64>,
    /// ... to before here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) to_ms: Option<i64>,
    /// Of a denial or veto: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) text: Option<String>,
}

/// What somebody may say to a request.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RollRole {
    /// Agrees or denies.
    Holder,
    /// Can stop it.
    Observer,
}

/// One who may speak to a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollEntry {
    /// 16 hex digits.
    pub(crate) id: String,
    /// Their name.
    pub(crate) name: String,
    /// As what.
    pub(crate) role: RollRole,
}

/// A request for originals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpeningView {
    /// 32 hex digits: the beginning of the hash of its text.
    pub(crate) id: String,
    /// Its exact text: JSON as docs/opening.md describes it.
    pub(crate) request: String,
    /// Whether it is the caller's.
    pub(crate) mine: bool,
    /// When it was taken.
    pub(crate) at_ms: i64,
    /// Where it is.
    pub(crate) state: OpeningState,
    /// While it is released: until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) until_ms: Option<i64>,
    /// What may be watched now.
    pub(crate) granted: Vec<GrantedView>,
    /// Disks of recordings that are not there: what lies on them is missing in it. 0 where nothing may be watched.
    pub(crate) disks_away: usize,
    /// How many holders must agree.
    pub(crate) needed: u8,
    /// Who may speak.
    pub(crate) roll: Vec<RollEntry>,
    /// What was said, in order.
    pub(crate) statements: Vec<StatementView>,
}

/// A request's exact text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskBody {
    /// JSON as docs/opening.md describes it.
    pub(crate) document: String,
}

/// A signed statement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementBody {
    /// JSON, exactly as it was signed.
    pub(crate) document: String,
    /// Who signed: 16 hex digits.
    pub(crate) holder: String,
    /// Ed25519, base64.
    pub(crate) signature: String,
    /// Of an approval: the age file for the requester, base64.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) shares: Option<String>,
}

/// One epoch of a request and a holder's share of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EpochView {
    /// Camera id.
    pub(crate) camera: String,
    /// Hours since 1970.
    pub(crate) hour: i64,
    /// 32 hex digits.
    pub(crate) epoch: String,
    /// Hash of the share file, 64 hex digits.
    pub(crate) hash: String,
    /// The age file for the holder, base64.
    pub(crate) file: String,
}

/// Whose shares are wanted.
#[derive(Deserialize, IntoParams)]
pub(crate) struct HolderQuery {
    /// 16 hex digits.
    holder: String,
}

/// What opens what was released, for the request's one-time recipient alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    /// An age file with the hour secrets, base64.
    pub(crate) secrets: String,
    /// The shares of those who agreed.
    pub(crate) approvals: Vec<ApprovalShares>,
}

/// One approval's shares.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalShares {
    /// Who agreed.
    pub(crate) holder: String,
    /// An age file, base64.
    pub(crate) shares: String,
}

/// A sealed segment of which something was released.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SegmentView {
    /// For the address of its fragments.
    pub(crate) id: String,
    /// Camera id.
    pub(crate) camera: String,
    /// The sealed header, base64.
    pub(crate) header: String,
    /// Those within what was released.
    pub(crate) fragments: Vec<FragmentView>,
}

/// A sealed fragment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FragmentView {
    /// Its number in the segment.
    pub(crate) n: u32,
    /// Head and body.
    pub(crate) bytes: u64,
    /// Arrival of its first picture.
    pub(crate) first_ms: i64,
    /// Arrival of its last.
    pub(crate) last_ms: i64,
    /// Whether decoding can start with it.
    pub(crate) key: bool,
}

/// What the program that made a video says of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportBody {
    /// A draft of the manifest (docs/format-export.md), its JSON as text.
    pub(crate) draft: String,
}

/// A signed manifest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportView {
    /// The signed note that goes into the file's last box.
    pub(crate) manifest: String,
    /// Number of the ledger's leaf `exported`.
    pub(crate) leaf: u64,
}

/// Who asks, as the requests name them.
fn caller() -> &'static str {
    OWNER
}

/// Whether a request is there for a visitor: for the owner all are, for others those that they may speak to.
fn shown(item: &Item, visitor: &Visitor) -> bool {
    match visitor {
        Visitor::Owner(_) => true,
        Visitor::Speaker(speaker) => item.opening.roll().find(&speaker.id).is_some(),
    }
}

/// One request, as far as it is there for the visitor.
async fn one(desk: &Desk, id: &str, visitor: &Visitor) -> ApiResult<Item> {
    let item = desk.one(id).await?;
    if shown(&item, visitor) { Ok(item) } else { Err(DeskError::Unknown.into()) }
}

impl From<Role> for RollRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Holder => Self::Holder,
            Role::Observer => Self::Observer,
        }
    }
}

impl From<Speaker> for RollEntry {
    fn from(speaker: Speaker) -> Self {
        Self { id: speaker.id.to_string(), name: speaker.name, role: speaker.role.into() }
    }
}

fn desk(app: &App) -> ApiResult<&Desk> {
    app.desk.get().ok_or_else(|| ApiError::not_found("vault"))
}

async fn view(desk: &Desk, item: &Item, visitor: &Visitor) -> OpeningView {
    let opening = &item.opening;
    let (state, until_ms) = match opening.state() {
        At::Asked => (OpeningState::Asked, None),
        At::Released { until, .. } => (OpeningState::Released, Some(until.millis())),
        At::Ended { how } => (
            match how {
                End::Denied => OpeningState::Denied,
                End::Vetoed(_) => OpeningState::Vetoed,
                End::Expired => OpeningState::Expired,
                End::Withdrawn => OpeningState::Withdrawn,
                End::Closed => OpeningState::Closed,
            },
            None,
        ),
    };
    let sets = desk.sets().read().await;
    let name = |id: &PartyId| {
        let named = sets.all().iter().rev().flat_map(|s| s.holders().iter().chain(s.observers()));
        named.into_iter().find(|n| PartyId::of(&n.public) == *id).map_or_else(String::new, |n| n.name.clone())
    };
    let said = |s: &Statement| {
        let (kind, cameras, from_ms, to_ms, text) = match s.said() {
            Said::Approval { cameras, from, to } => {
                let cameras = cameras.iter().map(ToString::to_string).collect();
                (StatementKind::Approval, Some(cameras), Some(from.millis()), Some(to.millis()), None)
            }
            Said::Denial { text } => (StatementKind::Denial, None, None, None, Some(text.clone())),
            Said::Veto { text } => (StatementKind::Veto, None, None, None, Some(text.clone())),
        };
        let holder = s.by().to_string();
        StatementView {
            holder,
            name: name(s.by()),
            kind,
            at_ms: s.at().millis(),
            cameras,
            from_ms,
            to_ms,
            text,
        }
    };
    let roll = opening.roll().parties.iter().map(|p| RollEntry {
        id: p.id.to_string(),
        name: name(&p.id),
        role: p.role.into(),
    });
    let granted = opening.granted(WallTime::now()).iter().map(|g: &Granted| GrantedView {
        camera: g.camera.to_string(),
        from_ms: g.from_ms,
        to_ms: g.to_ms,
    });
    let granted: Vec<GrantedView> = granted.collect();
    let disks_away = if granted.is_empty() { 0 } else { desk.store().health().disks_away };
    OpeningView {
        id: opening.request().hash().id(),
        request: opening.request().text().to_owned(),
        mine: matches!(visitor, Visitor::Owner(_)) && opening.user() == caller(),
        at_ms: item.asked_ms,
        state,
        until_ms,
        granted,
        disks_away,
        needed: opening.roll().needed,
        roll: roll.collect(),
        statements: opening.statements().iter().map(said).collect(),
    }
}

/// Who can open originals.
#[utoipa::path(get, path = "/api/v1/vault", tag = "openings",
    responses((status = 200, body = VaultView), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_vault(State(app): State<App>) -> ApiResult<axum::Json<VaultView>> {
    let desk = desk(&app)?;
    let sets = desk.sets().read().await;
    let latest = sets.latest();
    Ok(axum::Json(VaultView {
        site: desk.site().to_owned(),
        state: if latest.is_some() { VaultState::Ready } else { VaultState::NoHolder },
        set_number: latest.map_or(0, |s| s.number()),
        needed: latest.map_or(0, |s| s.set().needed()),
        holders: latest.map_or_else(Vec::new, |s| s.holders().iter().map(PartyView::from).collect()),
        observers: latest.map_or_else(Vec::new, |s| s.observers().iter().map(PartyView::from).collect()),
    }))
}

/// The latest 200 requests, the latest first, and older ones that wait or may be watched.
#[utoipa::path(get, path = "/api/v1/openings", tag = "openings",
    responses((status = 200, body = Vec<OpeningView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_openings(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
) -> ApiResult<axum::Json<Vec<OpeningView>>> {
    let desk = desk(&app)?;
    let mut views = Vec::new();
    for item in desk.list().await.iter().filter(|item| shown(item, &visitor)) {
        views.push(view(desk, item, &visitor).await);
    }
    Ok(axum::Json(views))
}

/// One request.
#[utoipa::path(get, path = "/api/v1/openings/{id}", tag = "openings",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = OpeningView), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_opening(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<OpeningView>> {
    let desk = desk(&app)?;
    Ok(axum::Json(view(desk, &one(desk, &id, &visitor).await?, &visitor).await))
}

/// Asks for originals.
#[utoipa::path(post, path = "/api/v1/openings", tag = "openings", request_body = AskBody,
    responses((status = 201, body = OpeningView), (status = "default", body = ErrorBody)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Extension(owner): Extension<Caller>,
    Json(body): Json<AskBody>,
) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let item = desk.ask(body.document, caller().to_owned(), WallTime::now()).await?;
    Ok((StatusCode::CREATED, axum::Json(view(desk, &item, &Visitor::Owner(owner)).await)).into_response())
}

/// Takes a request back, or closes it. What was watched was watched.
#[utoipa::path(delete, path = "/api/v1/openings/{id}", tag = "openings",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = OpeningView), (status = "default", body = ErrorBody)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    Extension(owner): Extension<Caller>,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<OpeningView>> {
    let desk = desk(&app)?;
    let item = desk.withdraw(id, caller().to_owned(), WallTime::now()).await?;
    Ok(axum::Json(view(desk, &item, &Visitor::Owner(owner)).await))
}

fn decoded(text: &str, field: &str) -> ApiResult<Vec<u8>> {
    let wrong = || ApiError::new(ErrorCode::BadRequest, format!("{field} is not base64."));
    BASE64.decode(text).map_err(|_| wrong())
}

/// A holder agrees or denies, an observer vetoes. The signature says who; the session does not matter.
#[utoipa::path(post, path = "/api/v1/openings/{id}/statements", tag = "openings", request_body = StatementBody,
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = OpeningView), (status = "default", body = ErrorBody)))]
pub(crate) async fn say(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(body): Json<StatementBody>,
) -> ApiResult<axum::Json<OpeningView>> {
    let desk = desk(&app)?;
    one(desk, &id, &visitor).await?;
    let holder = body.holder.parse().map_err(|e| ApiError::new(ErrorCode::BadRequest, format!("{e}.")))?;
    let signature = decoded(&body.signature, "The signature")?;
    let shares = body.shares.as_deref().map(|s| decoded(s, "The shares")).transpose()?.unwrap_or_default();
    let signed = Signed { document: body.document, holder, signature, shares };
    let item = desk.say(id, signed, WallTime::now()).await?;
    Ok(axum::Json(view(desk, &item, &visitor).await))
}

/// The epochs of a request, each with a holder's share, which that holder alone can decrypt.
#[utoipa::path(get, path = "/api/v1/openings/{id}/epochs", tag = "openings",
    params(("id" = String, Path, description = "The request's id"), HolderQuery),
    responses((status = 200, body = Vec<EpochView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn epochs(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(query): Query<HolderQuery>,
) -> ApiResult<axum::Json<Vec<EpochView>>> {
    let desk = desk(&app)?;
    let item = one(desk, &id, &visitor).await?;
    let holder: PartyId = query.holder.parse().map_err(|_| ApiError::not_found("holder"))?;
    if matches!(&visitor, Visitor::Speaker(speaker) if speaker.id != holder) {
        return Err(ApiError::not_found("holder"));
    }
    let offers = desk.epochs(&item, &holder).await?;
    let view = offers.into_iter().map(|o| EpochView {
        camera: o.camera.to_string(),
        hour: o.hour,
        epoch: o.epoch,
        hash: o.hash.iter().map(|b| format!("{b:02x}")).collect(),
        file: BASE64.encode(o.file),
    });
    Ok(axum::Json(view.collect()))
}

/// The caller's own request, if something of it is open now.
async fn released(desk: &Desk, id: &str) -> ApiResult<Item> {
    let item = desk.one(id).await?;
    let open = item.opening.user() == caller() && !item.opening.granted(WallTime::now()).is_empty();
    if open { Ok(item) } else { Err(DeskError::Unknown.into()) }
}

/// What opens what was released, for who asked.
#[utoipa::path(get, path = "/api/v1/openings/{id}/release", tag = "openings",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = ReleaseView), (status = "default", body = ErrorBody)))]
pub(crate) async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<ReleaseView>> {
    let desk = desk(&app)?;
    let item = released(desk, &id).await?;
    let release = desk.release(&item.opening, WallTime::now()).await?;
    let approvals = release
        .approvals
        .into_iter()
        .map(|(holder, shares)| ApprovalShares { holder: holder.to_string(), shares: BASE64.encode(shares) });
    Ok(axum::Json(ReleaseView { secrets: BASE64.encode(release.secrets), approvals: approvals.collect() }))
}

/// The sealed segments of which something was released.
#[utoipa::path(get, path = "/api/v1/openings/{id}/segments", tag = "openings",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = Vec<SegmentView>), (status = "default", body = ErrorBody)))]
pub(crate) async fn segments(
    State(app): State<App>,
    Path(id): Path<String>,
) -> ApiResult<axum::Json<Vec<SegmentView>>> {
    let desk = desk(&app)?;
    let item = released(desk, &id).await?;
    let segments = desk.segments(&item.opening, WallTime::now()).await?;
    let view = segments.into_iter().map(|s| SegmentView {
        id: s.id,
        camera: s.camera.to_string(),
        header: BASE64.encode(s.header),
        fragments: s
            .fragments
            .into_iter()
            .map(|f| FragmentView {
                n: f.n,
                bytes: f.bytes,
                first_ms: f.first.millis(),
                last_ms: f.last.millis(),
                key: f.key,
            })
            .collect(),
    });
    Ok(axum::Json(view.collect()))
}

/// Sealed fragments as they stand in the file. Written to the ledger before they are sent.
#[utoipa::path(get, path = "/api/v1/openings/{id}/segments/{segment}/fragments/{range}", tag = "openings",
    params(("id" = String, Path, description = "The request's id"), ("segment" = String, Path, description = "The segment's id"),
        ("range" = String, Path, description = "A number, or `first-last`")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn fragments(
    State(app): State<App>,
    Path((id, segment, range)): Path<(String, String, String)>,
) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let item = released(desk, &id).await?;
    let (first, last) = range.split_once('-').unwrap_or((&range, &range));
    let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else {
        return Err(DeskError::Unknown.into());
    };
    let now = WallTime::now();
    let (camera, from, to, bytes) = desk.fragments(&item.opening, &segment, (first, last), now).await?;
    desk.note_read(&item, &camera, from, to).await?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, bytes).into_response())
}

/// Signs the manifest of a video that was made of released originals: what its maker says of it comes back with times, proofs and the site's signature. The
/// ledger is told of the export first.
#[utoipa::path(post, path = "/api/v1/openings/{id}/exports", tag = "openings", request_body = ExportBody,
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 201, body = ExportView), (status = "default", body = ErrorBody)))]
pub(crate) async fn export(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(body): Json<ExportBody>,
) -> ApiResult<Response> {
    let desk = desk(&app)?;
    let item = released(desk, &id).await?;
    let exporter = app.exporter.clone().ok_or_else(|| ApiError::not_found("ledger"))?;
    let signed = desk.export(item.opening, body.draft, exporter, WallTime::now()).await?;
    let view = ExportView { manifest: signed.note, leaf: signed.leaf };
    Ok((StatusCode::CREATED, axum::Json(view)).into_response())
}
