//! Making, changing and deleting templates at Meta: the example of a header goes up first, each call is made
//! once, and what Meta makes of a template is read again after it.

use std::path::Path;
use std::time::Duration;

use crate::api::client::{CallError, Client};
use crate::api::relay::{Relay, Target};
use crate::api::template::Listed;
use crate::domain::id::WabaId;
use crate::domain::media;
use crate::domain::template::rules::Part;
use crate::domain::template::{
    EXAMPLE_MAX, FileSource, Header, Refusal, Template, Work, Worked, example_too_big,
    example_type, file_source,
};

/// For the example behind a link.
const FETCH_WITHIN: Duration = Duration::from_secs(60);

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What Meta says.
    pub worked: Worked,
    /// The template as Meta has it now; none when it is gone or could not be read.
    pub listed: Option<Listed>,
}

/// An account's templates at Meta.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// With its token.
    pub client: &'a Client,
    /// What they belong to.
    pub waba: &'a WabaId,
    /// The app that examples are uploaded to.
    pub app: Option<&'a str>,
}

impl Workshop<'_> {
    /// Does it. Nothing is tried twice.
    pub async fn carry_out(&self, work: Work) -> Result<Outcome, Refusal> {
        match work {
            Work::Create(mut template) => {
                self.with_example(&mut template).await?;
                let made = self
                    .client
                    .create_template(self.waba, &template)
                    .await
                    .map_err(|error| refusal(&error))?;
                let listed = self.client.template(&made.id).await.ok();
                let (id, status, category) = (made.id, made.status, made.category);
                Ok(Outcome { worked: Worked::Created { id, status, category }, listed })
            }
            Work::Edit { id, mut template, recategorise } => {
                self.with_example(&mut template).await?;
                let edited = self.client.edit_template(&id, &template, recategorise).await;
                edited.map_err(|error| refusal(&error))?;
                let listed = self.client.template(&id).await.ok();
                Ok(Outcome { worked: Worked::Changed, listed })
            }
            Work::Delete { name, only } => {
                let id = only.as_ref().map(|(_, id)| id.as_str());
                self.client
                    .delete_template(self.waba, &name, id)
                    .await
                    .map_err(|error| refusal(&error))?;
                Ok(Outcome { worked: Worked::Deleted, listed: None })
            }
        }
    }

    /// Uploads the header's example, if there is one, and names it as Meta does.
    async fn with_example(&self, template: &mut Template) -> Result<(), Refusal> {
        let Some(Header::Media { example: Some(example), .. }) = &mut template.header else {
            return Ok(());
        };
        let at_header = |words: String| Refusal::at(Part::Header, words);
        let app = self.app.ok_or_else(|| {
            at_header(
                "the account has no `app_id` in the config; examples of headers are uploaded to the app"
                    .to_owned(),
            )
        })?;
        let file = file(example).await.map_err(at_header)?;
        let handle = self.client.upload_example(app, &file.name, file.mime, file.bytes).await;
        *example = handle.map_err(|error| {
            // Nothing was handed in yet, so it does not matter what became of the upload.
            at_header(format!("the example cannot be uploaded: {error}"))
        })?;
        Ok(())
    }
}

/// An example, ready to be uploaded.
struct File {
    name: String,
    mime: &'static str,
    bytes: Vec<u8>,
}

/// Reads the example of a header from this machine, or from where a link leads.
async fn file(example: &str) -> Result<File, String> {
    match file_source(example) {
        FileSource::Path(path) => read(path).await,
        FileSource::Link(link) => fetch(link).await,
        FileSource::Id(id) => Err(format!("`{id}` is neither a file of this machine nor a link")),
    }
}

async fn read(path: &str) -> Result<File, String> {
    let told = |error: std::io::Error| format!("{path}: {error}");
    let size = tokio::fs::metadata(path).await.map_err(told)?.len();
    if let Some(words) = example_too_big(path, size) {
        return Err(words);
    }
    let mime = example_type(path, None)?;
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = tokio::fs::read(path).await.map_err(told)?;
    match media::belied(path, &bytes) {
        Some(words) => Err(format!("{path}: {words}")),
        None => Ok(File { name, mime, bytes }),
    }
}

async fn fetch(link: &str) -> Result<File, String> {
    let told = |words: String| format!("{link}: {words}");
    let target = Target::parse(link)?;
    let relay = Relay::for_targets(FETCH_WITHIN, [&target]).map_err(|error| error.to_string())?;
    let most = usize::try_from(EXAMPLE_MAX).unwrap_or(usize::MAX);
    let fetched = relay.get(&target, most).await.map_err(told)?;
    let name = link.split(['?', '#']).next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let mime = example_type(name, fetched.content_type.as_deref()).map_err(told)?;
    Ok(File { name: name.to_owned(), mime, bytes: fetched.bytes })
}

fn refusal(error: &CallError) -> Refusal {
    let unknown = matches!(error, CallError::NoAnswer(_));
    let part = match error {
        CallError::Refused(error) => error.subcode.and_then(Part::refused_with),
        CallError::NeverReached(_) | CallError::NoAnswer(_) => None,
    };
    Refusal { words: error.to_string(), part, unknown }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the server of one answer outlives nothing")]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::file;

    fn wait<T>(call: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
    }

    /// Answers one request with these bytes.
    fn serve(answer: &'static [u8]) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let count = stream.read(&mut asked).unwrap();
            let asked = String::from_utf8_lossy(&asked[..count]).to_lowercase();
            assert!(asked.starts_with("get /") && !asked.contains("authorization"), "{asked}");
            stream.write_all(answer).unwrap();
        });
        format!("http://{address}")
    }

    #[test]
    fn the_example_behind_a_link_is_fetched_without_the_token() {
        let base =
            serve(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\npixels");
        let found = wait(file(&format!("{base}/a/lamp.png?x=1"))).unwrap();
        assert_eq!(
            (&*found.name, found.mime, &*found.bytes),
            ("lamp.png", "image/png", &b"pixels"[..])
        );
        let base = serve(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
        );
        assert_eq!(wait(file(&format!("{base}/a_n"))).unwrap().mime, "image/jpeg");
        for (answer, words) in [
            (&b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"[..], "404"),
            (b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "302"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\nx", "at most 16 MB"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", "PDF, JPEG, PNG or MP4"),
        ] {
            let base = serve(answer);
            let error = wait(file(&format!("{base}/a"))).err().unwrap();
            assert!(error.contains(words), "{words}: {error}");
        }
        assert!(wait(file("http://example.org/a.png")).err().unwrap().contains("must be https"));
    }

    #[test]
    fn an_example_of_this_machine_is_judged_before_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("a.png"), b"\x89PNG").unwrap();
        std::fs::write(path("a.doc"), b"x").unwrap();
        std::fs::File::create(path("big.mp4")).unwrap().set_len(17 << 20).unwrap();
        assert_eq!(wait(file(&path("a.png"))).unwrap().name, "a.png");
        for (name, words) in [
            ("gone.png", "gone.png"),
            ("a.doc", "PDF, JPEG, PNG or MP4"),
            ("big.mp4", "at most 16 MB"),
        ] {
            let error = wait(file(&path(name))).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
        assert!(wait(file("1234")).err().unwrap().contains("1234"));
    }
}
