//! Refusals as JSON: one sentence with the value and the next step.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::ROUTES;

#[derive(Serialize)]
struct Refusal {
    error: String,
}

/// A refusal.
pub(super) fn refusal(status: StatusCode, error: impl Into<String>) -> Response {
    (
        status,
        Json(Refusal {
            error: error.into(),
        }),
    )
        .into_response()
}

/// No such route.
pub(super) async fn not_found(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(100).collect();
    refusal(
        StatusCode::NOT_FOUND,
        format!("there is no {path} here; the page at / lists what there is"),
    )
}

/// The route takes another method.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let routes = ROUTES.iter().filter(|route| route.is_of(uri.path()));
    let others: Vec<_> = routes.map(|route| route.method).collect();
    let path: String = uri.path().chars().take(100).collect();
    let text = format!("{path} does not take {method}; use {}", others.join(" or "));
    refusal(StatusCode::METHOD_NOT_ALLOWED, text)
}
