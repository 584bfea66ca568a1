//! An embedded S3 service.
