//! `route` says what a real nginx does.
//!
//! Configurations and requests come from a seeded generator; an nginx of the
//! test's own answers on loopback: every block marks its answers, and backends
//! repeat what they got. So the location that was really taken and the request
//! that was really sent are seen. `cargo test` runs a slice;
//! `NGINX_LINT_ROUTES=500 cargo test --test route` runs that many
//! configurations, `NGINX_LINT_ROUTES_FROM` says from which seed on.

#[path = "route/generator.rs"]
mod generator;
#[path = "route/predicted.rs"]
mod predicted;
#[path = "route/real.rs"]
mod real;
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use generator::{Asked, configuration, requests};
use real::{World, ask, start};

/// Configurations in a slice.
const SLICE: u64 = 25;

/// Requests for each.
const REQUESTS: usize = 20;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_requests_go_where_nginx_sends_them() {
    let (count, from) = (number("NGINX_LINT_ROUTES", SLICE), number("NGINX_LINT_ROUTES_FROM", 1));
    let next = AtomicU64::new(from);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let world = World::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        break;
                    }
                    let outcome = compare(&world, &configuration(seed), &requests(seed, REQUESTS));
                    let mut wrong = wrong.lock().expect("no panic");
                    match outcome {
                        Ok(differences) => {
                            wrong.extend(differences.into_iter().map(|text| format!("seed {seed}: {text}")))
                        }
                        Err(problem) => wrong.push(format!("seed {seed}: {problem}")),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), count as usize * REQUESTS, wrong.join("\n\n"));
}

/// The requests that nginx answers in another way than predicted.
fn compare(world: &World, configuration: &str, requests: &[Asked]) -> Result<Vec<String>, String> {
    let (running, port, text) = start(world, configuration)?;
    let answers = ask(port.address(), requests)?;
    let predictions = predicted::predict(world, &text, port.address(), requests);
    let log = running.stop()?;
    let mut wrong = Vec::new();
    for ((asked, answer), (prediction, way)) in requests.iter().zip(answers).zip(predictions) {
        let same = prediction.as_ref().is_some_and(|prediction| prediction.agrees_with(&answer));
        if !same {
            wrong.push(format!(
                "{} {} {:?}\n  nginx:     {answer:?}\n  predicted: {prediction:?}\n{way}",
                asked.method, asked.target, asked.headers
            ));
        }
    }
    if !wrong.is_empty() && std::env::var_os("NGINX_LINT_ROUTES_SHOW").is_some() {
        wrong.push(format!("{text}\n{log}"));
    }
    Ok(wrong)
}
