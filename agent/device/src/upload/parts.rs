//! The queue as the durable record of an upload in parts.

use async_trait::async_trait;

use crate::queue::{self, Dossier, ImageId, Queue};
use crate::s3::{LogFault, Part, PartLog, Unfinished};

/// The record of one image; begins with what the claim read.
#[derive(Debug)]
pub(super) struct Parts {
    queue: Queue,
    image: ImageId,
    record: tokio::sync::Mutex<Option<Unfinished>>,
}

impl Parts {
    pub(super) fn new(queue: Queue, dossier: &Dossier) -> Self {
        let record = dossier.image.multipart.as_ref().map(|upload| Unfinished {
            upload_id: upload.upload_id.clone(),
            part_size: upload.part_size,
            parts: dossier
                .parts
                .iter()
                .map(|part| Part {
                    number: i32::from(part.number),
                    size: part.size,
                    sha256: part.sha256,
                    etag: part.etag.clone(),
                })
                .collect(),
        });
        Self {
            queue,
            image: dossier.image.id,
            record: tokio::sync::Mutex::new(record),
        }
    }
}

#[async_trait]
impl PartLog for Parts {
    async fn unfinished(&self) -> Result<Option<Unfinished>, LogFault> {
        Ok(self.record.lock().await.clone())
    }

    async fn begun(&self, upload_id: &str, part_size: u64) -> Result<(), LogFault> {
        let mut record = self.record.lock().await;
        let multipart = queue::Multipart {
            upload_id: upload_id.to_owned(),
            part_size,
        };
        self.queue.multipart_started(self.image, multipart).await?;
        *record = Some(Unfinished {
            upload_id: upload_id.to_owned(),
            part_size,
            parts: Vec::new(),
        });
        Ok(())
    }

    async fn stored(&self, part: &Part) -> Result<(), LogFault> {
        let mut record = self.record.lock().await;
        let Some(unfinished) = record.as_mut() else {
            return Err("no upload in parts was begun".into());
        };
        let row = queue::Part {
            number: u16::try_from(part.number)?,
            size: part.size,
            sha256: part.sha256,
            etag: part.etag.clone(),
        };
        self.queue
            .part_done(self.image, unfinished.upload_id.clone(), row)
            .await?;
        unfinished.parts.push(part.clone());
        Ok(())
    }

    async fn ended(&self) -> Result<(), LogFault> {
        let mut record = self.record.lock().await;
        self.queue.multipart_forgotten(self.image).await?;
        *record = None;
        Ok(())
    }
}
