"""The gallery's server: this machine only, under a path that nobody can guess.

Poses are asked for by number, never by name or path, so that no file outside of the shown folders can be read. Only a
page that knows the path can read anything, or write a verdict.
"""

import secrets
import socket
import threading
import time
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.png_file import PNG, SIGNATURE
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.reviews import Review
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.export.poses import ExportPose
from mardm_batch.gallery.blocks import duplicate_groups, next_block, progress_of
from mardm_batch.gallery.exports import export_pose, exports
from mardm_batch.gallery.index import PoseIndex
from mardm_batch.gallery.page import render_gallery
from mardm_batch.overview.entry import Entry
from mardm_batch.system.json_records import parse_json

ADDRESS: Final = "127.0.0.1"
TOKEN_BYTES: Final = 18
LARGEST_REQUEST: Final = 2**20
REVIEWS_AT_ONCE: Final = 1000
SECONDS_BETWEEN_LOOKS: Final = 1.0
LOOK_SHARE: Final = 0.1
"""Of the time at most that goes into looking for new poses: large folders are looked at less often."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class GalleryServer:
    """Answers the page. `index` is kept up to date by `watch`."""

    def __init__(self, index: PoseIndex, token: str) -> None:
        self.index, self.token = index, token
        self.duplicates: tuple[int, list[list[int]]] = (-1, [])
        """Groups with the revision of which they are."""
        self.lock = threading.Lock()
        self.problem = ""
        """Why the folders cannot be read now."""

    def application(self) -> ASGIApp:
        routes = [
            Route("/", self.page),
            Route("/poses", self.poses),
            Route("/duplicates", self.near_duplicates),
            Route("/picture/{number:int}", self.picture),
            Route("/json/{number:int}", self.document),
            Route("/export/{number:int}/{format}", self.export),
            Route("/reviews", self.review, methods=["POST"]),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[ADDRESS, "localhost"])
        application = Starlette(routes=[Mount(f"/{self.token}", routes=routes)], middleware=[hosts])
        return with_headers(application)

    def watch(self) -> None:
        """Look for new poses and verdicts, until the process ends."""
        while threading.main_thread().is_alive():
            started = time.monotonic()
            try:
                self.index.refresh()
                self.problem = ""
            except OSError as error:
                self.problem = f"{error.filename}: {error.strerror}"
            except RuntimeError:  # no thread can be started once the process ends
                threading.main_thread().join(SECONDS_BETWEEN_LOOKS)
                if threading.main_thread().is_alive():
                    raise
            time.sleep(max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - started) / LOOK_SHARE))

    def page(self, request: Request) -> Response:
        return HTMLResponse(render_gallery(self.index))

    def poses(self, request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "0"))
        except ValueError:
            raise HTTPException(400, "since should be a number") from None
        block = next_block(self.index, since)
        return JSONResponse({**block, "progress": progress_of(self.index), "problem": self.problem})

    def near_duplicates(self, request: Request) -> Response:
        with self.lock:
            revision = self.index.revision
            if self.duplicates[0] != revision:
                self.duplicates = (revision, duplicate_groups(self.index))
            return JSONResponse(self.duplicates[1])

    def picture(self, request: Request) -> Response:
        entry, folder = self.requested(request)
        content = self.content(folder.layout, entry.name, PNG.suffix)
        if not content.startswith(SIGNATURE):
            raise HTTPException(404, "no picture")
        return Response(content, media_type="image/png")

    def document(self, request: Request) -> Response:
        entry, folder = self.requested(request)
        return Response(self.content(folder.layout, entry.name, JSON.suffix), media_type="application/json")

    def export(self, request: Request) -> Response:
        """A pose as a file of another program."""
        entry, folder = self.requested(request)
        name = request.path_params["format"]
        if name not in exports():
            raise HTTPException(404, "no such format")
        document = folder.read(entry.name)
        if document is None:
            raise HTTPException(404, "no such pose")
        content, file_name = export_pose(ExportPose(folder.layout, entry.name, document), name)
        disposition = f"attachment; filename*=UTF-8''{quote(file_name)}"
        return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": disposition})

    def requested(self, request: Request) -> tuple[Entry, PoseStore]:
        """The pose of a request's number, and the poses of its folder."""
        entry = self.index.entry(request.path_params["number"])
        if entry is None:
            raise HTTPException(404, "no such pose")
        return entry, self.index.folders[entry.folder].store

    def content(self, layout: Layout, name: str, suffix: str) -> bytes:
        """A file of a pose. One that is a link to somewhere else is none."""
        try:
            path = layout.path(name, suffix)
            if layout.HAS_FILES and path.resolve().parent != path.parent.resolve():
                raise HTTPException(404, "a link out of the folder")
            return layout.read(name, suffix)
        except OSError:
            raise HTTPException(404, "no such file") from None

    async def review(self, request: Request) -> Response:
        """Add reviews: a list of objects with `id`, `digest`, `verdict` and `note`.

        The answer has the revision since which blocks have them.
        """
        if request.headers.get("content-type") != "application/json":
            raise HTTPException(415, "should be JSON")
        content = b""
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST_REQUEST:
                raise HTTPException(413, "too large")
        try:
            reviews = self.read_reviews(parse_json(content))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise HTTPException(400, f"no reviews: {error}") from None
        try:
            await run_in_threadpool(self.write_reviews, reviews)
        except OSError as error:
            raise HTTPException(507, f"the verdict could not be written: {error.strerror}") from None
        return JSONResponse({"written": len(reviews), "revision": self.index.revision})

    def read_reviews(self, document: Any) -> list[tuple[int, Review]]:
        """The reviews of a request, each with the number of its folder. Raises ValueError, KeyError or TypeError."""
        if not isinstance(document, list) or not 0 < len(document) <= REVIEWS_AT_ONCE:
            raise ValueError(f"should be a list of 1 to {REVIEWS_AT_ONCE}")
        reviews = []
        for each in document:
            number, digest = each["id"], each["digest"]
            entry = self.index.entry(number) if type(number) is int else None
            if entry is None or not isinstance(digest, str) or len(digest) != len(entry.digest):
                raise ValueError("no such pose")
            values = {"name": entry.name, "verdict": each["verdict"] or None, "note": each["note"], "pose": digest}
            review = Review.from_json(values)
            if review.verdict == "reject" and digest == entry.digest:
                joints, agreement = np.frombuffer(entry.joints, "<i2").tolist(), entry.measures.numbers["agreement"]
                review = replace(review, joints=joints, agreement=agreement)
            reviews.append((entry.folder, review))
        return reviews

    def write_reviews(self, reviews: list[tuple[int, Review]]) -> None:
        for number in range(len(self.index.folders)):
            of_folder = [review for place, review in reviews if place == number]
            if of_folder:
                self.index.add_reviews(number, of_folder)


def with_headers(application: ASGIApp) -> ASGIApp:
    """The application, with the headers that every answer has."""
    headers = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await application(scope, receive, send_with_headers)

    return wrapped


def serve(index: PoseIndex, port: int, announce: Any) -> None:
    """Serve until Ctrl-C. `announce` is called with the page's address."""
    import uvicorn

    token = secrets.token_urlsafe(TOKEN_BYTES)
    server = GalleryServer(index, token)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(f"--port {port}: {error.strerror}; without --port a free one is taken") from None
    config = uvicorn.Config(
        server.application(), log_level="warning", access_log=False, lifespan="off", server_header=False
    )
    threading.Thread(target=server.watch, daemon=True).start()
    announce(f"http://{ADDRESS}:{listener.getsockname()[1]}/{token}/")
    uvicorn.Server(config).run(sockets=[listener])
