//! In process: an HTTP client for the AWS SDK whose other end is the store itself. No sockets, no threads, no timers.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, Request, header};
use s3s::Body;

use crate::front::Front;

/// The client; it can be given to any number of SDK clients.
#[derive(Debug, Clone)]
pub(crate) struct InProcess(pub(crate) Front);

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let front = self.0.clone();
        HttpConnectorFuture::new(async move {
            let mut request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            add_host(&mut request);
            let answer = front.call(request.map(Body::http_body)).await;
            let answer = answer.map_err(|cut| ConnectorError::io(cut.into()))?;
            let answer = answer.map(SdkBody::from_body_1_x);
            answer
                .try_into()
                .map_err(|error: aws_smithy_runtime_api::http::HttpError| {
                    ConnectorError::other(error.into(), None)
                })
        })
    }
}

/// A real HTTP/1.1 client adds `Host`, which the signature covers.
fn add_host(request: &mut Request<SdkBody>) {
    if !request.headers().contains_key(header::HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(header::HOST, host);
    }
}
