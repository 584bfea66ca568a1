//! The process that looks at images, as programs that behave and that do not.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use weir_journey::infer::{Answer, Failure, Job, Trouble, View};

use super::{Died, Seer as _, Worker};

/// An answer that any program can give.
const ANSWER: &str = r#"{"failed":{"trouble":"picture","sentence":"it is no picture"}}"#;

/// A worker that is a shell script, and the folder (`$room`) that holds it and what it writes.
fn worker(script: &str, deadline: Duration) -> (Worker, tempfile::TempDir) {
    let room = tempfile::tempdir().unwrap();
    let program = room.path().join("stub");
    let room_path = room.path().display();
    std::fs::write(&program, format!("#!/bin/sh\nroom={room_path}\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Through the shell: a program that was just written may still be open for writing in a child of another test.
    let worker = Worker::new("/bin/sh", [program.as_os_str()], deadline);
    (worker, room)
}

fn job() -> Job {
    Job {
        image: "/srv/camera/a.jpg".into(),
        view: View::default(),
        before: None,
        masks: None,
        products: None,
        stem: "a".to_owned(),
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_process_answers_job_after_job_and_ends_when_there_are_none() {
    let script = format!(
        "echo started >> $room/log\nwhile read -r line; do echo \"$line\" >> $room/jobs; echo '{ANSWER}'; done\necho ended >> $room/log"
    );
    let (worker, room) = worker(&script, LONG);
    let expected = Answer::Failed(Failure {
        trouble: Trouble::Picture,
        sentence: "it is no picture".to_owned(),
    });
    for _ in 0..3 {
        assert_eq!(worker.look(&job()).await.unwrap(), expected);
    }
    worker.rest().await;
    let read = |name: &str| std::fs::read_to_string(room.path().join(name)).unwrap();
    assert_eq!(read("log"), "started\nended\n");
    let jobs: Vec<Job> = read("jobs")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(jobs, vec![job(); 3]);
    // Work that comes later starts another.
    assert_eq!(worker.look(&job()).await.unwrap(), expected);
    assert!(read("log").ends_with("ended\nstarted\n"));
}

#[tokio::test]
async fn a_look_that_never_ends_is_ended() {
    let (worker, _room) = worker(
        "echo $$ > $room/pid; exec sleep 600",
        Duration::from_millis(300),
    );
    let died = worker.look(&job()).await.unwrap_err();
    assert!(matches!(died, Died::Deadline(_)), "{died}");
    assert!(
        worker.running.lock().await.is_none(),
        "it would be asked again"
    );
}

#[tokio::test]
async fn a_process_that_dies_says_how_and_what_it_said_last() {
    let (dies, _room) = worker(
        "read -r line; echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
        LONG,
    );
    let died = dies.look(&job()).await.unwrap_err().to_string();
    assert!(
        died.contains("signal: 6") && died.contains("memory allocation of 9 bytes failed"),
        "{died}"
    );
    let (leaves, _room) = worker("exit 3", LONG);
    let died = leaves.look(&job()).await.unwrap_err().to_string();
    assert!(died.contains("exit status: 3"), "{died}");
    // However much it says.
    let (talks, _room) = worker("yes 'no end' | head -c 3000000 >&2; exit 1", LONG);
    let died = talks.look(&job()).await.unwrap_err().to_string();
    assert!(
        died.contains("no end") && died.len() < 1000,
        "{}",
        died.len()
    );
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    let (raves, _room) = worker("read -r line; echo hello; sleep 600", LONG);
    let died = raves.look(&job()).await.unwrap_err();
    assert!(
        matches!(&died, Died::Garbled(said) if said == "hello"),
        "{died}"
    );
    let nobody = Worker::new("/nonexistent/weir", ["x"], LONG);
    let died = nobody.look(&job()).await.unwrap_err();
    assert!(matches!(died, Died::NotStarted(_)), "{died}");
}

#[tokio::test]
async fn a_process_that_died_without_work_costs_no_image() {
    let script = format!("read -r line; echo '{ANSWER}'");
    let (worker, _room) = worker(&script, LONG);
    for _ in 0..3 {
        worker.look(&job()).await.unwrap();
        let mut slot = worker.running.lock().await;
        let running = slot.as_mut().unwrap();
        running.child.wait().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_of_the_agents_environment_is_handed_on() {
    let (worker, room) = worker(
        &format!("env > $room/env; read -r line; echo '{ANSWER}'"),
        LONG,
    );
    worker.look(&job()).await.unwrap();
    let handed_on = std::fs::read_to_string(room.path().join("env")).unwrap();
    // What a shell sets for itself.
    let own = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in ours.filter(|name| !own.contains(&name.as_str())) {
        let line = format!("{name}=");
        assert!(
            !handed_on.lines().any(|told| told.starts_with(&line)),
            "{name} is handed on"
        );
    }
}
