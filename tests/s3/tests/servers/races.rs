//! Of writers at the same moment one must win.

use std::future::Future;

use crate::facts::{BUCKET, Facts};
use crate::multipart::complete;

/// SeaweedFS takes seconds for a round: who waits there looks once a second.
const ROUNDS: usize = 3;
const COMPLETE_ROUNDS: usize = 6;
const WRITERS: usize = 8;

pub(crate) async fn all(facts: &mut Facts) {
    let client = facts.client.clone();
    let (mut put_new, mut put_match) = (Wins::default(), Wins::default());
    let (mut copy_new, mut copy_match) = (Wins::default(), Wins::default());
    let (mut delete_match, mut complete_new, mut complete_match) = (Wins::default(), Wins::default(), Wins::default());
    facts.put("race-from", b"from").await;
    for round in 0..ROUNDS {
        let key = format!("race-put-{round}");
        let put = |number| client.put_object().bucket(BUCKET).key(&key).body(format!("{number}").into_bytes().into());
        put_new.race(|number| put(number).if_none_match("*").send()).await;
        let etag = facts.put(&key, b"base").await;
        put_match.race(|number| put(number).if_match(&etag).send()).await;
        let etag = facts.put(&key, b"base").await;
        delete_match.race(|_| client.delete_object().bucket(BUCKET).key(&key).if_match(&etag).send()).await;

        let key = format!("race-copy-{round}");
        let copy = || client.copy_object().bucket(BUCKET).key(&key).copy_source("facts/race-from");
        copy_new.race(|_| copy().if_none_match("*").send()).await;
        let etag = facts.put(&key, b"base").await;
        copy_match.race(|_| copy().if_match(&etag).send()).await;
    }
    for round in 0..COMPLETE_ROUNDS {
        let key = format!("race-complete-{round}");
        let mut ready = Vec::new();
        for _ in 0..WRITERS {
            ready.push(complete(facts, &key).await.if_none_match("*"));
        }
        complete_new.race(|number| ready[number].clone().send()).await;
        let etag = facts.put(&key, b"base").await;
        let mut ready = Vec::new();
        for _ in 0..WRITERS {
            ready.push(complete(facts, &key).await.if_match(&etag));
        }
        complete_match.race(|number| ready[number].clone().send()).await;
    }
    facts.note("PUT If-None-Match: *, 8 at once", put_new.told());
    facts.note("PUT If-Match, 8 at once", put_match.told());
    facts.note("DELETE If-Match, 8 at once", delete_match.told());
    facts.note("COPY If-None-Match: *, 8 at once", copy_new.told());
    facts.note("COPY If-Match, 8 at once", copy_match.told());
    facts.note("COMPLETE If-None-Match: *, 8 at once", complete_new.told());
    facts.note("COMPLETE If-Match, 8 at once", complete_match.told());
}

/// The most and the fewest winners of a race.
struct Wins {
    fewest: usize,
    most: usize,
}

impl Default for Wins {
    fn default() -> Self {
        Self { fewest: WRITERS, most: 0 }
    }
}

impl Wins {
    async fn race<T, E, F>(&mut self, write: impl Fn(usize) -> F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let all: Vec<_> = (0..WRITERS).map(|number| tokio::spawn(write(number))).collect();
        let mut wins = 0;
        for one in all {
            wins += usize::from(one.await.unwrap().is_ok());
        }
        self.fewest = self.fewest.min(wins);
        self.most = self.most.max(wins);
    }

    /// How many win wrongly depends on the moment.
    fn told(&self) -> &'static str {
        match (self.fewest, self.most) {
            (1, 1) => "one wins",
            _ => "any number wins",
        }
    }
}
