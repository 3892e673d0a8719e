//! The rights of the listeners: read from their files, kept in force while a new file is broken, published on a change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::http::{HeaderName, HeaderValue};
use tokio::sync::watch;

use super::files::FileWatch;
use super::sentences;
use crate::config::{self, ClientAuth, Mistake, Pem, Plan, TlsVersion, Warning, WebPlan, WebTls};
use crate::selfmon::SelfMonitor;
use crate::serve::{self, Guard, HANDSHAKE_REASONS, Rights, Tls, TlsInput, TlsPart};

/// Label of what is counted here.
const SIDE: &str = "listeners";

/// Rights as they were read, well or not.
pub(super) struct Reading {
    files: Vec<PathBuf>,
    pub(super) outcome: Result<Fresh, Vec<Mistake>>,
}

/// Rights that are fit to be put in force.
pub(super) struct Fresh {
    rights: Rights,
    tls: Option<WebTls>,
    pub(super) warnings: Vec<Warning>,
}

/// Rights with the files that they came from.
pub(super) type Found = (Vec<PathBuf>, Fresh);

/// Reads what the plan names. TLS that is as `before` is taken from there, so that connections see no change.
pub(super) fn read(plan: &Plan, before: Option<&Keeper>) -> Reading {
    let (mut files, mut mistakes, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut web = WebPlan::default();
    let flags = plan.exporter.as_ref().and_then(|view| view.older.as_ref());
    let read = match (
        &plan.web_config_file,
        flags.and_then(|flags| flags.web.as_ref()),
    ) {
        (_, Some(text)) => Some(config::read_web_flags(text)),
        (Some(path), None) => Some(config::read_web(path)),
        (None, None) => None,
    };
    if let Some(read) = read {
        files.extend(read.files);
        match read.outcome {
            Ok((read, said)) => {
                web = read;
                warnings = said;
            }
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    let mut token = |key: &str, path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        files.push(path.clone());
        match config::read_token(key, path) {
            Ok(token) => Some(token.expose().to_owned()),
            Err(wrong) => {
                mistakes.push(wrong);
                None
            }
        }
    };
    let admin_token = token("admin_token_file", &plan.admin_token_file);
    let profiles_token = token("profiles.token_file", &plan.profiles.token_file);
    let tls = web.tls.as_ref().and_then(|input| {
        let same = before.filter(|keeper| keeper.tls.as_ref() == Some(input));
        if let Some(tls) = same.and_then(|keeper| keeper.publish.borrow().tls.clone()) {
            return Some(tls);
        }
        tls(input).map_err(|wrong| mistakes.push(wrong)).ok()
    });
    if !mistakes.is_empty() {
        let outcome = Err(mistakes);
        return Reading { files, outcome };
    }
    let rights = Rights {
        tls,
        headers: web.headers.iter().filter_map(header).collect(),
        users: web
            .users
            .iter()
            .map(|user| (user.name.clone(), user.hash.expose().to_owned()))
            .collect(),
        admin_token,
        profiles_token,
        rate: web.rate.map(|rate| (rate.interval, rate.burst)),
    };
    let outcome = Ok(Fresh {
        rights,
        tls: web.tls,
        warnings,
    });
    Reading { files, outcome }
}

/// Names and values were looked at when they were read.
fn header((name, value): &(&'static str, String)) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_str(value).ok()?))
}

fn tls(input: &WebTls) -> Result<Tls, Mistake> {
    let ready = Tls::new(&TlsInput {
        certificate: input.certificate.expose(),
        key: input.key.expose(),
        client_ca: input.client_ca.as_ref().map(Pem::expose),
        client_auth: match input.client_auth {
            ClientAuth::None => serve::ClientAuth::None,
            ClientAuth::Request => serve::ClientAuth::Request,
            ClientAuth::RequireAny => serve::ClientAuth::RequireAny,
            ClientAuth::VerifyIfGiven => serve::ClientAuth::VerifyIfGiven,
            ClientAuth::RequireAndVerify => serve::ClientAuth::RequireAndVerify,
        },
        allowed_sans: &input.allowed_sans,
        tls12: input.min_version == TlsVersion::Tls12,
        tls13: input.max_version == TlsVersion::Tls13,
        suites: &input.suites,
        prefer_server_suites: input.prefer_server_suites,
        curves: &input.curves,
    });
    ready.map_err(|fault| {
        let pem = match fault.part {
            TlsPart::Certificate => Some(&input.certificate),
            TlsPart::Key => Some(&input.key),
            TlsPart::ClientCa => input.client_ca.as_ref(),
            TlsPart::Whole => None,
        };
        let (key, place) = pem.map_or(("tls_server_config", &input.place), |pem| {
            (pem.key, &pem.place)
        });
        Mistake {
            place: place.clone(),
            text: format!("{key} {}", fault.text),
        }
    })
}

/// Keeps the rights in force and up to date.
pub(super) struct Keeper {
    watch: FileWatch,
    tls: Option<WebTls>,
    publish: watch::Sender<Arc<Rights>>,
    monitor: SelfMonitor,
    /// Whether the end of the certificate in force has been said.
    end_said: bool,
}

impl Keeper {
    /// Nothing is guarded until rights are adopted.
    pub(super) fn new(monitor: SelfMonitor) -> Self {
        Self {
            watch: FileWatch::default(),
            tls: None,
            publish: watch::channel(Arc::default()).0,
            monitor,
            end_said: false,
        }
    }

    /// What listeners guard with.
    pub(super) fn guard(&self) -> Guard {
        Guard::new(self.publish.subscribe())
    }

    /// Puts rights in force, and watches the files that they came from as they are now.
    pub(super) fn adopt(&mut self, (files, fresh): Found) {
        self.watch = FileWatch::start(files);
        self.enforce(fresh);
    }

    fn enforce(&mut self, fresh: Fresh) {
        let monitor = &self.monitor;
        let end = fresh.rights.tls.as_ref().and_then(|tls| tls.not_after);
        monitor.tls_certificate_end.set(end.map_or(0.0, unix));
        if fresh.rights.tls.is_some() {
            // Event counters start at 0, so that the first event is an increase.
            for (listener, reason) in ["public", "admin"].iter().flat_map(|listener| {
                HANDSHAKE_REASONS
                    .iter()
                    .map(move |reason| (listener, reason))
            }) {
                monitor.tls_failures.with_label_values(&[listener, reason]);
            }
        }
        self.end_said = false;
        self.tls = fresh.tls;
        self.publish.send_replace(Arc::new(fresh.rights));
    }

    /// Reads the files again when they have changed. A broken one leaves everything as it is, is counted, and said once.
    pub(super) fn look(&mut self, plan: &Plan) {
        self.tell_end();
        if !self.watch.changed() {
            return;
        }
        let Reading { files, outcome } = read(plan, Some(self));
        self.watch.follow(files);
        let result = match outcome {
            Ok(fresh) => {
                for warning in &fresh.warnings {
                    tracing::warn!("{}", warning.text);
                }
                self.enforce(fresh);
                tracing::info!(
                    "the files of web_config_file and admin_token_file have changed and are in force"
                );
                "success"
            }
            Err(mistakes) => {
                tracing::error!(
                    mistakes = sentences(&mistakes).join("; "),
                    "a file of web_config_file or admin_token_file is broken; what was read before stays in force"
                );
                "failure"
            }
        };
        let counter = &self.monitor.rights_reloads;
        counter.with_label_values(&[SIDE, result]).inc();
    }

    /// Says once that our own certificate has ended: clients refuse it then, not we.
    fn tell_end(&mut self) {
        let end = self
            .publish
            .borrow()
            .tls
            .as_ref()
            .and_then(|tls| tls.not_after);
        if !self.end_said && end.is_some_and(|end| end <= SystemTime::now()) {
            self.end_said = true;
            tracing::error!(
                "the certificate of the listeners has expired; put a new one into its file, which is read without a restart"
            );
        }
    }
}

impl Reading {
    /// The files with what is fit to be put in force, or every mistake.
    pub(super) fn ready(self) -> Result<Found, Vec<Mistake>> {
        Ok((self.files, self.outcome?))
    }
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
