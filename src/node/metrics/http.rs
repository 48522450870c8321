//! `/metrics`, `/health` and `/ready` over HTTP. Nothing secret is shown; still, the address should be the machine's own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::Metrics;

/// Connections at a time; more wait.
const MOST_CONNECTIONS: usize = 32;

/// The life of a connection: one that sends slowly, or nothing, frees its place.
const LIFE: Duration = Duration::from_secs(60);

/// A node's task that has been silent for this long is taken for hung.
const SILENCE: Duration = Duration::from_secs(10);

/// The media type of [`Metrics::text`].
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers over HTTP until it is dropped.
#[derive(Debug)]
pub struct Server {
    local: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens at `address`; port 0 takes one that is free. Within a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(address: SocketAddr, metrics: Metrics) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        let bounded = Bounded { listener, places: Arc::new(Semaphore::new(MOST_CONNECTIONS)) };
        let router = Router::new()
            .route("/metrics", get(show))
            .route("/health", get(health))
            .route("/ready", get(ready))
            .with_state(metrics);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(bounded, router).await {
                tracing::error!(%error, "metrics are no longer served");
            }
        });
        Ok(Self { local, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn show(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.text())
}

async fn health(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.last_beat() {
        Some(age) if age > SILENCE => {
            let words = format!("the node's task has been silent for {} s\n", age.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, words)
        }
        _ => (StatusCode::OK, "good\n".to_owned()),
    }
}

async fn ready(State(metrics): State<Metrics>) -> impl IntoResponse {
    let readiness = metrics.readiness();
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, readiness.words)
}

/// A listener whose connections are few and short.
struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { continue };
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    let end = Box::pin(tokio::time::sleep(LIFE));
                    return (Visit { stream, end, _place: place }, remote);
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a reader of metrics");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection, until its time is over.
struct Visit {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Visit {
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.end.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Visit {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_end(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_end(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
