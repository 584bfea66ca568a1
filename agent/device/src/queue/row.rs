//! Rows of the database as values, read column after column.
//!
//! A column that is asked for by its name is compared with the names of all before it, which costs more than reading
//! it. So the columns are read in the order in which they are selected; debug builds compare the names all the same.

use std::path::PathBuf;

use rusqlite::Row;
use rusqlite::types::FromSql;

use super::image::{Db, DeviceClock, FileIdentity, Image, Multipart, Place, Removed};

/// The columns of a row, from left to right.
pub(super) struct Columns<'a, 'row> {
    row: &'a Row<'row>,
    next: usize,
}

impl<'a, 'row> Columns<'a, 'row> {
    pub(super) const fn of(row: &'a Row<'row>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column, which is the one of this name.
    pub(super) fn take<T: FromSql>(&mut self, name: &str) -> rusqlite::Result<T> {
        let at = self.next;
        self.next += 1;
        debug_assert_eq!(self.row.as_ref().column_name(at).ok(), Some(name));
        self.row.get(at)
    }

    /// The next column, as the value that it stands for.
    pub(super) fn value<T>(&mut self, name: &str) -> rusqlite::Result<T>
    where
        Db<T>: FromSql,
    {
        Ok(self.take::<Db<T>>(name)?.0)
    }

    /// The next column, as the value that it stands for where there is one.
    fn optional<T>(&mut self, name: &str) -> rusqlite::Result<Option<T>>
    where
        Db<T>: FromSql,
    {
        Ok(self.take::<Option<Db<T>>>(name)?.map(|db| db.0))
    }

    /// The next column, a count of bytes or a number of the kernel's.
    pub(super) fn unsigned(&mut self, name: &str) -> rusqlite::Result<u64> {
        Ok(self.take::<i64>(name)?.cast_unsigned())
    }

    /// The next columns `path, size, device, inode, mtime_ns, ctime_ns`.
    pub(super) fn place(&mut self) -> rusqlite::Result<Place> {
        Ok(Place {
            path: self.value::<PathBuf>("path")?,
            identity: FileIdentity {
                size: self.unsigned("size")?,
                device: self.unsigned("device")?,
                inode: self.unsigned("inode")?,
                mtime_ns: self.take("mtime_ns")?,
                ctime_ns: self.take("ctime_ns")?,
            },
        })
    }
}

/// Selects what [`Image::read`] reads; a `WHERE` may follow.
pub(super) const SELECT_IMAGE: &str = "SELECT i.id, i.site, s.name, i.sha256, i.path, i.size, i.device, \
    i.inode, i.mtime_ns, i.ctime_ns, i.format, i.captured_ms, i.offset_s, i.capture, i.accepted_ms, i.boot, \
    i.uptime_ms, i.clock, i.dated, i.held, i.unplugged, i.flagged, i.state, i.unsure, i.attempts, i.next_at_ms, \
    i.bucket, i.key, i.upload_id, i.part_size, i.etag, i.verified_ms, i.proof, i.receipt_ms, i.removed_ms, \
    i.removed_why, i.refusal_scope, i.failure, i.fix, i.parent, s.products_of, i.infer, i.findings, i.urgency, \
    i.look_hold FROM images i JOIN sites s ON s.id = i.site";

impl Image {
    /// Reads a row of [`SELECT_IMAGE`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut next = Columns::of(row);
        Ok(Self {
            id: next.take("id")?,
            site: next.take("site")?,
            site_name: next.value("name")?,
            sha256: next.value("sha256")?,
            place: next.place()?,
            format: next.take("format")?,
            captured_ms: next.take("captured_ms")?,
            offset_s: next.take("offset_s")?,
            capture: next.take("capture")?,
            accepted_ms: next.take("accepted_ms")?,
            clock: DeviceClock {
                boot: next.take("boot")?,
                uptime_ms: next.take("uptime_ms")?,
                synchronised: next.value("clock")?,
            },
            dated: next.take("dated")?,
            held: next.take("held")?,
            unplugged: next.take("unplugged")?,
            flagged: next.take("flagged")?,
            state: next.value("state")?,
            unsure: next.take("unsure")?,
            attempts: next.take("attempts")?,
            next_at_ms: next.take("next_at_ms")?,
            target: both(next.take("bucket")?, next.take("key")?),
            multipart: both(
                next.take("upload_id")?,
                next.take::<Option<i64>>("part_size")?,
            )
            .map(|(upload_id, size)| Multipart {
                upload_id,
                part_size: size.cast_unsigned(),
            }),
            etag: next.take("etag")?,
            verified_ms: next.take("verified_ms")?,
            proof: next.optional("proof")?,
            receipt_ms: next.take("receipt_ms")?,
            removed: both(next.take("removed_ms")?, next.take("removed_why")?)
                .map(|(at_ms, why)| Removed { at_ms, why }),
            refusal: next.optional("refusal_scope")?,
            failure: next.take("failure")?,
            fix: next.take("fix")?,
            parent: next.take("parent")?,
            products_of: next.take("products_of")?,
            infer: next.value("infer")?,
            findings: next.take("findings")?,
            urgency: next.value("urgency")?,
            look_hold: next.value("look_hold")?,
        })
    }
}

impl Place {
    /// Reads the columns `path, size, device, inode, mtime_ns, ctime_ns`, the first of their query.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Columns::of(row).place()
    }
}

/// Two values that are there together or not at all.
fn both<A, B>(one: Option<A>, other: Option<B>) -> Option<(A, B)> {
    one.zip(other)
}
