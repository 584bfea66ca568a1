//! Signing a streamed body with the digest that we already have.
//!
//! Left to itself, the SDK sends a streamed body as `aws-chunked` with a CRC32 trailer: a second pass over the
//! bytes on the device, and a framing that some stores refuse. Here `x-amz-content-sha256` is the SHA-256 that
//! was computed when the image was accepted, so that the signature covers the accepted bytes: a store
//! refuses a file that changed since (`XAmzContentSHA256Mismatch`). The SDK lets a given
//! `x-amz-checksum-*` header switch its own framing off; every caller here sets `checksum_sha256`.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use weir_journey::identity::Sha256;

/// Signs the request with this digest of its body.
#[derive(Debug)]
pub(super) struct SignedDigest(pub(super) Sha256);

#[dyn_dispatch_hint]
impl Intercept for SignedDigest {
    fn name(&self) -> &'static str {
        "SignedDigest"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config
            .interceptor_state()
            .store_put(PayloadSigningOverride::Precomputed(self.0.to_string()));
        Ok(())
    }
}
