"""Logs in to Airflow's web interface as a browser does, and looks at what it is shown; uses its API as a script does.
The standard library alone.

Flask-AppBuilder's form: a page with a CSRF token, a session in a cookie, and a redirect behind the login.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy

SECONDS = 240  # of a busy machine: who waits for the answer has a limit of its own
KINDS = {"script": "javascript", "style sheet": "text/css"}


def path_of(url):
    """Of a redirect, its end: that is the page which is there or not."""
    return urllib.parse.urlsplit(url).path


class WebError(Exception):
    """Why nobody could work with this web interface."""


class Page(HTMLParser):
    """What a page consists of, as far as it matters here."""

    def __init__(self, url, content_type, text):
        super().__init__()
        self.url, self.content_type, self.text = url, content_type, text
        self.base, self.hidden, self.passwords, self.named = url, {}, [], []
        self.feed(text)

    @property
    def path(self):
        return path_of(self.url)

    def list_files(self):
        """Kind and URL of the scripts and style sheets of this server that it names. Others' are left out."""
        own = urllib.parse.urlsplit(self.url).netloc
        files = [(kind, urllib.parse.urljoin(self.base, name)) for kind, name in self.named]
        return [(kind, url) for kind, url in files if urllib.parse.urlsplit(url).netloc == own]

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "base" and values.get("href"):
            self.base = urllib.parse.urljoin(self.url, values["href"])
        if tag == "script" and values.get("src"):
            self.named.append(("script", values["src"]))
        elif tag == "link" and "stylesheet" in (values.get("rel") or "") and values.get("href"):
            self.named.append(("style sheet", values["href"]))
        elif tag == "input" and values.get("type") == "hidden" and values.get("name"):
            self.hidden[values["name"]] = values.get("value") or ""
        elif tag == "input" and values.get("type") == "password":
            self.passwords.append(values.get("name"))


class Browser:
    """Keeps cookies, and follows redirects. A cookie for TLS alone is sent without it too: in production a proxy has
    the certificate."""

    def __init__(self, *handlers):
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        cookies = urllib.request.HTTPCookieProcessor(CookieJar(policy))
        self.opener = urllib.request.build_opener(cookies, *handlers)

    def open(self, url, fields=None):
        """URL in the end, content type and bytes of an answer with status 200. A form is sent from its own page: over
        TLS, Flask-WTF takes none without that."""
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(url, data, {} if fields is None else {"Referer": url})  # noqa: S310 - a role's
        try:
            with self.opener.open(request, timeout=SECONDS) as response:
                if response.status != 200:
                    raise WebError(f"{path_of(response.geturl())}: HTTP status {response.status}")
                return response.geturl(), response.headers.get_content_type(), response.read()
        except urllib.error.HTTPError as error:
            raise WebError(f"{path_of(error.geturl())}: HTTP status {error.code}") from error
        except (OSError, ValueError) as error:
            raise WebError(f"{path_of(url)}: {error}") from error

    def ask(self, url, headers, body=None):
        """The JSON of an answer, whatever good status it has."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Accept": "application/json", **headers})  # noqa: S310 - a role's
        try:
            with self.opener.open(request, timeout=SECONDS) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            said = " ".join(error.read(200).decode("utf-8", "replace").split())
            raise WebError(f"{path_of(url)}: HTTP status {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise WebError(f"{path_of(url)}: {error}") from error

    def open_page(self, url, fields=None):
        final, content_type, data = self.open(url, fields)
        return Page(final, content_type, data.decode("utf-8", "replace"))


def look(browser, base, form, home, user=None):
    """In short what was seen: the login page, and where there is a user the page behind it. Raises WebError."""
    pages = [browser.open_page(base + form)]
    if user is not None:
        pages.append(log_in(browser, pages[0], base + home, **user))
    page = pages[-1]
    if page.content_type != "text/html" or "airflow" not in page.text.lower():
        found = f"{page.content_type}, {len(page.text)} characters"
        raise WebError(f"{page.path}: it is not a page of Airflow ({found})")
    if not any(kind == "script" for kind, _ in page.list_files()):
        raise WebError(f"{page.path}: it names no script")
    paths, counts = (" and ".join(words) for words in ((one.path for one in pages), load_files(browser, pages)))
    return f"{paths}: {counts} that they name are there"


def log_in(browser, page, home, username, password):
    """The page ``home``, as the user sees it."""
    if not page.passwords:
        raise WebError(f"{page.path}: it has no field for a password")
    fields = dict(page.hidden, username=username)
    fields[page.passwords[0]] = password
    after = browser.open_page(page.url, fields)
    if after.passwords:
        raise WebError(f"{page.path}: user and password are refused")
    shown = browser.open_page(home)
    if shown.passwords or shown.path != path_of(home):
        raise WebError(f"{path_of(home)}: after the login it leads to {shown.path}")
    return shown


def load_files(browser, pages):
    """How many scripts and style sheets the pages name; all of them are there."""
    files = list(dict.fromkeys(file for page in pages for file in page.list_files()))
    for kind, url in files:
        _, content_type, data = browser.open(url)
        if not data:
            raise WebError(f"{path_of(url)}: the {kind} is empty")
        if KINDS[kind] not in content_type:
            raise WebError(f"{path_of(url)}: the {kind} comes as {content_type}")
    kinds = [kind for kind, _ in files]
    if "style sheet" not in kinds:  # the page behind the login of Airflow 3 loads its own by a script
        raise WebError(f"{pages[-1].path}: neither it nor the login page names a style sheet")
    return [f"{kinds.count(kind)} {kind}s" for kind in KINDS]


def use_token(browser, base, token, page, user):
    """In short what was seen: a token for the user, with which the API answers. Raises WebError."""
    given = browser.ask(base + token, {"Content-Type": "application/json"}, user)
    secret = given.get("access_token") if isinstance(given, dict) else None
    if not secret:
        raise WebError(f"{path_of(token)}: there is no token in the answer")
    try:
        browser.ask(base + page, {"Authorization": "Bearer " + secret})
    except WebError as error:
        raise WebError(f"the token that {path_of(token)} gave is refused: {error}") from error
    return f"{path_of(token)} gives a token, and {path_of(page)} takes it"
