//! The loop of the process that looks at images: a job a line comes in, an answer a line goes out.

use std::io::{self, BufRead, Read as _, Write};

use weir_journey::infer::{Answer, Failure, Job, Trouble};

use super::{Seer, Settings};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// Answers each line of `reader` with one line of `writer`, until `reader` ends. Both are JSON: a [`Job`] and an
/// [`Answer`]. A line that is no job is answered with a failure.
///
/// # Errors
/// Those of `reader` and `writer`.
///
/// # Panics
/// When more than one thread is wanted and the system starts none.
pub fn serve(
    mut reader: impl BufRead,
    mut writer: impl Write,
    settings: Settings,
) -> io::Result<()> {
    let seer = Seer::new(settings);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n") || (length as u64) < LONGEST_LINE;
        let answer = if whole {
            answer(&seer, &line)
        } else {
            reader.skip_until(b'\n')?;
            no_job(&format!("it is longer than {LONGEST_LINE} bytes"))
        };
        let text = serde_json::to_string(&answer).map_err(io::Error::other)?;
        writeln!(writer, "{text}")?;
        writer.flush()?;
    }
}

fn answer(seer: &Seer, line: &[u8]) -> Answer {
    match serde_json::from_slice::<Job>(line) {
        Ok(job) => seer.look(&job),
        Err(error) => no_job(&error.to_string()),
    }
}

fn no_job(why: &str) -> Answer {
    Answer::Failed(Failure {
        trouble: Trouble::Device,
        sentence: format!(
            "the process that looks at images was given a line that is no job ({why}): restart the agent, whose \
             program was probably replaced while it ran"
        ),
    })
}
