//! `/accountz`: which accounts a server knows, and how each is set up.
//!
//! The list is one request; what an account exports, imports and maps takes a request for each, which walks those lists
//! under the account's lock and decodes its token. So a round makes one request: for the list when it is a minute old,
//! else for the account that was read longest ago, each at most every ten minutes, 30 accounts at most; that others
//! are left out shows in the coverage. What is known of the others is shown again.
//!
//! Tokens and keys (`jwt`, `issuer_key`) are never read, and of `decoded_jwt` only the limits, for the view of an older
//! exporter. Clients and leaf nodes of an account are in accstatz.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::number::null_is_empty;
use super::splitter::{Root, Splitter};
use super::table::{cells, emit};
use super::walk::{Walk, escaped};
use super::{
    Collector, Context, Count, DecodeError, Facts, Int, Lane, Moment, Record, Records, Spec,
};
use super::{always, decode, never_absent, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "accountz",
    origin: Origin::Accountz,
    handler: "/accountz",
    interval_min: Duration::ZERO,
    idle: never_idle,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

const NANOS: i128 = 1_000_000_000;
/// Time between two requests for the list.
const LIST_PAUSE: i128 = 60 * NANOS;
/// Time between two requests for one account.
const ACCOUNT_PAUSE: i128 = 600 * NANOS;
/// Accounts whose details are read.
const ACCOUNTS_MAX: usize = 30;
/// Elements shown of each list of an account.
const ELEMENTS_MAX: usize = 50;
/// Who is asked for the list.
const LIST: &str = "";

/// The accounts that a server knows.
#[derive(Debug)]
pub struct AccountList<'a> {
    /// Their ids.
    pub ids: &'a [String],
    /// The id of the system account.
    pub system: &'a str,
}

/// How an account is set up.
#[derive(Debug)]
pub struct AccountDetails<'a> {
    /// Its `account` label.
    pub account: &'a str,
    /// When it was read, nanoseconds since 1970.
    pub read: Option<i128>,
    /// What the broker tells.
    pub detail: &'a AccountSettings,
}

/// The answer (nats-server `server/monitor.go`, type `Accountz`).
#[derive(Debug, Deserialize)]
struct Answer {
    server_id: String,
    #[serde(default)]
    system_account: String,
    /// Only without `acc`.
    #[serde(default, deserialize_with = "null_is_empty")]
    accounts: Vec<String>,
    /// Only with `acc`.
    account_detail: Option<AccountSettings>,
}

/// `account_detail` (nats-server `server/monitor.go`, type `AccountInfo`). Kept over rounds, so it owns its text.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountSettings {
    pub account_name: String,
    #[serde(default)]
    pub update_time: Moment,
    /// Left out when false.
    #[serde(default)]
    pub is_system: bool,
    pub expired: bool,
    pub complete: bool,
    pub jetstream_enabled: bool,
    #[serde(default)]
    pub leafnode_connections: Int,
    #[serde(default)]
    pub client_connections: Int,
    #[serde(default)]
    pub subscriptions: Int,
    #[serde(default)]
    pub name_tag: String,
    /// Only in operator mode.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub decoded_jwt: Claims,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub mappings: BTreeMap<String, Vec<Destination>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub exports: Vec<Export>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub imports: Vec<Import>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub validation_result_jwt: Vec<Issue>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub revoked_user: BTreeMap<String, IgnoredAny>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub responses: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    pub sublist_stats: Sublist,
}

/// What is needed of an account's JWT.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The part of NATS.
    pub nats: ClaimsOfNats,
}

/// `nats` of a JWT.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClaimsOfNats {
    /// Limits of the account.
    pub limits: AccountLimits,
}

/// `limits` of a JWT; -1 is no limit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountLimits {
    pub subs: Int,
    pub data: Int,
    pub payload: Int,
    pub imports: Int,
    pub exports: Int,
    pub wildcards: bool,
    pub conn: Int,
    pub leaf: Int,
}

/// Where a mapped subject goes.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Destination {
    pub subject: String,
    /// Percent.
    #[serde(default)]
    pub weight: u32,
    #[serde(default)]
    pub cluster: String,
}

/// An element of `exports`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Export {
    #[serde(default)]
    pub subject: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub response_type: String,
    #[serde(default)]
    pub token_req: bool,
    #[serde(default)]
    pub service_latency: Latency,
}

/// An element of `imports`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Import {
    #[serde(default)]
    pub subject: String,
    #[serde(default)]
    pub account: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub local_subject: String,
    #[serde(default)]
    pub invalid: bool,
    #[serde(default)]
    pub share: bool,
    #[serde(default)]
    pub tracking: bool,
    #[serde(default)]
    pub latency: Latency,
}

/// How latencies of a service are sampled.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Latency {
    /// Percent; 0 when a header of the request decides.
    #[serde(default)]
    pub sampling: u32,
    #[serde(default)]
    pub results: String,
}

/// An element of `validation_result_jwt`; the text is not shown.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Issue {
    #[serde(default)]
    pub blocking: bool,
}

/// `sublist_stats`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Sublist {
    pub num_subscriptions: Option<Int>,
    pub num_cache: Option<Int>,
    pub num_inserts: Option<Count>,
    pub num_removes: Option<Count>,
    pub num_matches: Option<Count>,
    pub cache_hit_rate: Option<f64>,
    pub max_fanout: Option<Int>,
    pub avg_fanout: Option<f64>,
}

const ACCOUNT: cells!(AccountSettings) = &[
    (Metric::AccountExpired, |a| Some(a.expired.into())),
    (Metric::AccountComplete, |a| Some(a.complete.into())),
    (Metric::AccountJetstream, |a| {
        Some(a.jetstream_enabled.into())
    }),
    (Metric::AccountIsSystem, |a| Some(a.is_system.into())),
    (Metric::AccountUpdated, |a| a.update_time.value()),
    (Metric::AccountExports, |a| Some(len(a.exports.len()))),
    (Metric::AccountImports, |a| Some(len(a.imports.len()))),
    (Metric::AccountInvalidImports, |a| {
        let invalid = a.imports.iter().filter(|import| import.invalid);
        Some(len(invalid.count()))
    }),
    (Metric::AccountMappings, |a| Some(len(a.mappings.len()))),
    (Metric::AccountRevokedUsers, |a| {
        Some(len(a.revoked_user.len()))
    }),
    (Metric::AccountResponses, |a| Some(len(a.responses.len()))),
];

const SUBLIST: cells!(Sublist) = &[
    (Metric::AccountSublistSubscriptions, |s| {
        s.num_subscriptions.map(Int::value)
    }),
    (Metric::AccountSublistCached, |s| {
        s.num_cache.map(Int::value)
    }),
    (Metric::AccountSublistInserts, |s| {
        s.num_inserts.map(Count::value)
    }),
    (Metric::AccountSublistRemoves, |s| {
        s.num_removes.map(Count::value)
    }),
    (Metric::AccountSublistMatches, |s| {
        s.num_matches.map(Count::value)
    }),
    (Metric::AccountSublistHits, |s| fraction(s.cache_hit_rate)),
    (Metric::AccountSublistFanoutMax, |s| {
        s.max_fanout.map(Int::value)
    }),
    (Metric::AccountSublistFanoutAverage, |s| {
        fraction(s.avg_fanout)
    }),
];

fn len(len: usize) -> Value<'static> {
    Value::U64(len as u64)
}

fn fraction(number: Option<f64>) -> Option<Value<'static>> {
    number.filter(|number| number.is_finite()).map(Value::F64)
}

fn percent(percent: u32) -> Value<'static> {
    Value::F64(f64::from(percent) / 100.0)
}

fn flag(on: bool) -> &'static str {
    if on { "true" } else { "" }
}

impl AccountSettings {
    /// Elements of lists that are not shown.
    fn beyond(&self) -> u64 {
        let mappings = self.mappings.values().map(Vec::len).sum();
        let lists = [
            self.exports.len(),
            self.imports.len(),
            self.tags.len(),
            mappings,
        ];
        let beyond = lists.map(|len| len.saturating_sub(ELEMENTS_MAX) as u64);
        beyond.iter().sum()
    }
}

impl AccountList<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let values = [(Metric::Accounts, len(self.ids.len()))];
        rows.row(&Row::new(EntityKind::Server, &[], &values));
        for id in self.ids {
            let labels = [
                ("account", context.accounts.label(id)),
                ("account_id", id),
                ("system", flag(id == self.system)),
            ];
            one(rows, &labels, Metric::AccountListedInfo, Value::U64(1));
        }
    }
}

impl AccountDetails<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let detail = self.detail;
        let account = ("account", self.account);
        emit(rows, EntityKind::Account, &[account], ACCOUNT, detail);
        emit(
            rows,
            EntityKind::Account,
            &[account],
            SUBLIST,
            &detail.sublist_stats,
        );
        if let Some(read) = self.read {
            one(
                rows,
                &[account],
                Metric::AccountReadTime,
                Value::Nanos(read),
            );
        }
        for blocking in [true, false] {
            let issues = detail.validation_result_jwt.iter();
            let count = issues.filter(|issue| issue.blocking == blocking).count();
            let labels = [
                account,
                ("blocking", if blocking { "true" } else { "false" }),
            ];
            one(rows, &labels, Metric::AccountTokenIssues, len(count));
        }
        for tag in detail.tags.iter().take(ELEMENTS_MAX) {
            one(
                rows,
                &[account, ("tag", tag)],
                Metric::AccountTagInfo,
                Value::U64(1),
            );
        }
        for export in detail.exports.iter().take(ELEMENTS_MAX) {
            export.native(account, rows);
        }
        for import in detail.imports.iter().take(ELEMENTS_MAX) {
            import.native(account, context, rows);
        }
        self.mappings(rows);
    }

    fn mappings(&self, rows: &mut dyn Rows) {
        let all = self.detail.mappings.iter();
        let all = all.flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        for (from, to) in all.take(ELEMENTS_MAX) {
            let labels = [
                ("account", self.account),
                ("subject", from),
                ("destination", &to.subject),
                ("in_cluster", &to.cluster),
            ];
            one(
                rows,
                &labels,
                Metric::AccountMappingWeight,
                percent(to.weight),
            );
        }
    }
}

impl Export {
    fn native(&self, account: (&'static str, &str), rows: &mut dyn Rows) {
        let subject = ("subject", &*self.subject);
        let latency = &self.service_latency;
        let labels = [
            account,
            ("kind", &*self.kind),
            subject,
            ("response_type", &self.response_type),
            ("token_required", flag(self.token_req)),
            ("latency_subject", &latency.results),
        ];
        one(rows, &labels, Metric::AccountExportInfo, Value::U64(1));
        if !latency.results.is_empty() {
            let value = percent(latency.sampling);
            one(
                rows,
                &[account, subject],
                Metric::AccountExportSampling,
                value,
            );
        }
    }
}

impl Import {
    fn native(&self, account: (&'static str, &str), context: &Context, rows: &mut dyn Rows) {
        let subject = ("subject", &*self.subject);
        let origin = ("origin", context.accounts.label(&self.account));
        let labels = [
            account,
            ("kind", &*self.kind),
            subject,
            origin,
            ("to", &self.to),
            ("local_subject", &self.local_subject),
            ("invalid", flag(self.invalid)),
            ("share", flag(self.share)),
            ("tracking", flag(self.tracking)),
            ("latency_subject", &self.latency.results),
        ];
        one(rows, &labels, Metric::AccountImportInfo, Value::U64(1));
        if !self.latency.results.is_empty() {
            let labels = [account, subject, origin];
            let value = percent(self.latency.sampling);
            one(rows, &labels, Metric::AccountImportSampling, value);
        }
    }
}

fn one(rows: &mut dyn Rows, labels: &[(&'static str, &str)], metric: Metric, value: Value<'_>) {
    rows.row(&Row::new(EntityKind::Account, labels, &[(metric, value)]));
}

/// What one answer gives.
#[derive(Debug)]
enum Known {
    List {
        ids: Vec<String>,
        system: String,
    },
    Account(Box<AccountSettings>),
    /// The answer had neither.
    Nothing,
}

struct Decoder {
    splitter: Splitter,
    walk: Walk<Known>,
    context: Context,
    arriving: Option<Answer>,
}

impl Decoder {
    fn new() -> Self {
        Self {
            splitter: Splitter::new(&[]),
            walk: Walk::default(),
            context: Context::default(),
            arriving: None,
        }
    }

    /// Accounts of the latest list.
    fn listed(&self) -> &[String] {
        match self.walk.answer(LIST).map(|answer| &answer.content) {
            Some(Known::List { ids, .. }) => ids,
            _ => &[],
        }
    }

    fn turn(&self, context: &Context) -> &str {
        let list = self.walk.turn(context, std::iter::once(LIST), LIST_PAUSE);
        let accounts = || self.listed().iter().take(ACCOUNTS_MAX).map(String::as_str);
        list.or_else(|| self.walk.turn(context, accounts(), ACCOUNT_PAUSE))
            .unwrap_or(LIST)
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        match self.turn(context) {
            LIST => "/accountz".into(),
            account => format!("/accountz?acc={}", escaped(account)).into(),
        }
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        let turn = self.turn(context).to_owned();
        self.walk.begin(context, &turn);
        self.context = context.clone();
        self.arriving = None;
    }

    fn chunk(&mut self, bytes: &[u8], _out: &mut dyn Records) -> Result<(), DecodeError> {
        let arriving = &mut self.arriving;
        let mut take = |bytes: &[u8], offset| {
            *arriving = Some(decode::element(bytes, offset)?);
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut take))
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let mut facts = Facts::default();
        let Some(answer) = self.arriving.take() else {
            return Ok(facts);
        };
        facts.server_id = Some(answer.server_id);
        let known = match answer.account_detail {
            Some(detail) => Known::Account(Box::new(detail)),
            None if self.walk.asked() == LIST => Known::List {
                ids: answer.accounts,
                system: answer.system_account,
            },
            None => Known::Nothing,
        };
        let listed = match &known {
            Known::List { ids, .. } => ids.clone(),
            _ => self.listed().to_vec(),
        };
        let mut shown: Vec<&str> = vec![LIST];
        shown.extend(listed.iter().take(ACCOUNTS_MAX).map(String::as_str));
        self.walk.end(&self.context, known, &shown);
        self.show(out, &mut facts);
        Ok(facts)
    }
}

impl Decoder {
    /// Makes records of all that is known.
    fn show(&self, out: &mut dyn Records, facts: &mut Facts) {
        let (mut detailed, mut beyond) = (0, 0);
        for (_, answer) in self.walk.answers() {
            match &answer.content {
                Known::List { ids, system } => {
                    out.record(Record::AccountList(&AccountList { ids, system }));
                }
                Known::Account(detail) => {
                    detailed += 1;
                    beyond += detail.beyond();
                    out.record(Record::AccountDetails(&AccountDetails {
                        account: self.context.accounts.label(&detail.account_name),
                        read: answer.read,
                        detail,
                    }));
                }
                Known::Nothing => {}
            }
        }
        facts.coverage = Some((detailed, self.listed().len() as u64));
        facts.dropped = vec![("elements", beyond)];
    }
}
