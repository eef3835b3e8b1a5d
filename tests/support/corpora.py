"""Small corpora in the layouts their authors distribute, of rendered faces: real files, and nobody's picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd

from fer_helpers import corpora, params
from fer_helpers.corpora.demo import rendered_clips

_SALT = itertools.count()


def load_folder(path: Path, manifest: Path | None = None, clip_seconds: float = 0.0, pictures_as: str = "frames"):
    """The clips table of the folder corpus at `path`."""
    return load("folder", path, manifest=str(manifest or ""), clip_seconds=clip_seconds, pictures_as=pictures_as)


def load(corpus: str, path: Path, **options: Any) -> pd.DataFrame:
    """The clips table of a corpus at `path`, by default with all of its clips."""
    return corpora.load(given(corpus, path, **options))


def given(corpus: str, path: Path, **options: Any) -> params.Params:
    return params.validate({"corpus": corpus, "corpus_path": str(path), "n_clips": 0, **options})


@dataclass(frozen=True)
class Media:
    """Rendered material: a video as MP4 and as Flash, and frames as JPEG and PNG."""

    mp4: bytes
    flv: bytes
    jpegs: list[bytes]
    pngs: list[bytes]


def render_media(folder: Path) -> Media:
    """One clip of the demo corpus, its first six frames in the formats corpora come in."""
    clip = rendered_clips.plan(7, 1).iloc[0]
    frames = [frame[::2, ::2].copy() for frame in itertools.islice(rendered_clips.frames_of(clip, 1), 6)]
    pictures = [frame[:, :, ::-1] for frame in frames]
    return Media(
        mp4=_video(frames, folder / "a.mp4", "libx264"),
        flv=_video(frames, folder / "a.flv", "flv1"),
        jpegs=[cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures],
        pngs=[cv2.imencode(".png", picture)[1].tobytes() for picture in pictures],
    )


def _video(frames: list[np.ndarray], path: Path, codec: str) -> bytes:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        out.mux(stream.encode())
    return path.read_bytes()


def put(path: Path, data: bytes | str = b"") -> Path:
    """A file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def video(path: Path, media: Media) -> Path:
    """A video that differs from every other in bytes that no decoder looks at."""
    salt = next(_SALT).to_bytes(8, "big")
    if path.suffix == ".flv":
        return put(path, media.flv + salt)
    return put(path, media.mp4 + (16).to_bytes(4, "big") + b"free" + salt)


def frames(folder: Path, media: Media, n: int = 6, suffix: str = ".jpg") -> Path:
    """A clip of `n` pictures that differ from every other clip's."""
    for index in range(n):
        picture(folder / f"{index + 1:04d}{suffix}", media, index)
    return folder


def picture(path: Path, media: Media, index: int = 0) -> Path:
    made = media.pngs if path.suffix == ".png" else media.jpegs
    return put(path, made[index % len(made)] + next(_SALT).to_bytes(8, "big"))


LITTER = ("Thumbs.db", ".DS_Store", "__MACOSX/._0001.jpg", "__MACOSX/0001.jpg", "._0001.jpg", "desktop.ini")


def litter(folder: Path) -> None:
    """What systems and archives leave behind."""
    for name in LITTER:
        put(folder / name, b"\x00\x05\x16\x07")


# --- the corpora ----------------------------------------------------------------------------------------

FERV39K = {  # name: (split, word in the split file)
    "DailyLife/Angry/0001": ("train", "Angry"),
    "DailyLife/Angry/0002": ("test", "Angry"),
    "DailyLife/Happy/0003": ("train", "Happy"),
    "Action/Sad/0010": ("train", "Sad"),
    "Action/Surprise/0011": ("test", "Surprise"),
}


def ferv39k(root: Path, media: Media) -> Path:
    for name in FERV39K:
        frames(root / "2_ClipsforFaceCrop" / name, media)
        frames(root / "3_ClipsforScenImages" / name, media, n=5)
    for split in ("train", "test"):
        lines = [f"{name} {word}" for name, (of, word) in FERV39K.items() if of == split]
        put(root / f"4_setups/All_scenes/{split}_All.csv", "\n".join(lines) + "\n")
    litter(root / "2_ClipsforFaceCrop/DailyLife/Angry/0001")
    litter(root / "2_ClipsforFaceCrop/DailyLife")
    return root


def dfew(root: Path, media: Media) -> Path:
    """Clips 1-4 are in fold 1, 5 is in no list."""
    for number in range(1, 6):
        frames(root / f"Clip/clip_224x224/{number:05d}", media, n=2)
        video(root / f"Clip/original/{number}.mp4", media)
    lists = root / "EmoLabel_DataSplit"
    put(lists / "train(single-labeled)/set_1.csv", "video_name,label\n1,1\n2,2\n3,4\n")
    put(lists / "test(single-labeled)/set_1.csv", "video_name,label\n4,7\n")
    put(lists / "train(single-labeled)/set_2.csv", "video_name,label\n4,7\n2,2\n3,4\n")
    put(lists / "test(single-labeled)/set_2.csv", "video_name,label\n1,1\n")
    return root


def mafw(root: Path, media: Media) -> Path:
    for number in range(1, 6):
        video(root / f"data/clips/{number:05d}.mp4", media)
        frames(root / f"data/frames/{number:05d}", media, n=2, suffix=".png")
    lists = root / "Train & Test Set/single/no_caption/set_1"
    put(lists / "train.txt", "00001.mp4 anger\n00002.mp4 contempt\n00003.mp4 happiness\n")
    put(lists / "test.txt", "00004.mp4 helplessness\n")
    return root


def afew(root: Path, media: Media) -> Path:
    for path in ("Train_AFEW/Angry/000046280.avi", "Train_AFEW/Sad/000052640.avi", "Val_AFEW/Happy/000149120.avi"):
        put(root / path, media.mp4 + next(_SALT).to_bytes(8, "big"))
    frames(root / "Train_AFEW/AlignedFaces_LBPTOP_Points/Faces/000046280", media)
    frames(root / "Val_AFEW/Surprise/000700000", media)
    video(root / "Test_AFEW/000000001.mp4", media)
    return root


def ravdess(root: Path, media: Media) -> Path:
    """Actor 1 says a calm sentence (as AV and as video), sings a happy one; actor 12 is afraid, strongly."""
    for name in (
        "Video_Speech_Actor_01/Actor_01/01-01-02-01-01-01-01.mp4",
        "Video_Speech_Actor_01/Actor_01/02-01-02-01-01-01-01.mp4",
        "Video_Song_Actor_01/Actor_01/01-02-03-01-02-02-01.mp4",
        "Video_Speech_Actor_12/Actor_12/02-01-06-02-02-01-12.mp4",
        "Video_Speech_Actor_12/Actor_12/02-01-01-01-02-01-12.mp4",
    ):
        video(root / name, media)
    put(root / "Audio_Speech_Actors_01-24/Actor_01/03-01-02-01-01-01-01.wav", b"RIFF")
    return root


def crema_d(root: Path, media: Media) -> Path:
    for name in ("1001_DFA_ANG_XX", "1001_IEO_SAD_LO", "1002_IEO_HAP_HI", "1076_MTI_NEU_XX"):
        video(root / f"VideoFlash/{name}.flv", media)
        put(root / f"AudioWAV/{name}.wav", b"RIFF")
    # clip, rater, modality, answer, milliseconds
    answers = [
        ("1001_DFA_ANG_XX", "r1", 2, "A", 2000),
        ("1001_DFA_ANG_XX", "r2", 2, "D", 3000),
        ("1001_DFA_ANG_XX", "r3", 2, "A", 10001),  # too late
        ("1001_DFA_ANG_XX", "r4", 1, "N", 2000),  # the voice
        ("1001_DFA_ANG_XX", "r5", 2, "H", "NA"),
        ("1002_IEO_HAP_HI", "r1", 2, "H", 900),
    ]
    header = "localid pos ans ttr queryType numTries clipNum questNum subType clipName sessionNums respEmo respLevel"
    lines = [
        f'"{n}","{rater}",5,"{letter}_80",{ms},{kind},0,{n},1,4,"{clip}","s1","{letter}",80,"A",50,50'
        for n, (clip, rater, kind, letter, ms) in enumerate(answers, 1)
    ]
    names = ",".join(f'"{name}"' for name in ["", *header.split(), "dispEmo", "dispVal", "dispLevel"])
    put(root / "finishedResponses.csv", "\n".join([names, *lines]) + "\n")
    return root


def ck_plus(root: Path, media: Media) -> Path:
    """S005/001 disgust, S010/002 surprise, S011/001 contempt, S011/002 without an emotion."""
    for name in ("S005/001", "S010/002", "S011/001", "S011/002"):
        frames(root / "cohn-kanade-images" / name, media, suffix=".png")
        (root / "Emotion" / name).mkdir(parents=True)
    for name, code in {"S005/001": 3, "S010/002": 7, "S011/001": 2}.items():
        file = f"{name.replace('/', '_')}_00000006_emotion.txt"
        put(root / "Emotion" / name / file, f"   {code}.0000000e+00\n")
    litter(root / "cohn-kanade-images/S005")
    litter(root / "Emotion/S005/001")
    return root


def pixels(value: int, n: int = 48 * 48) -> str:
    return " ".join([str(value)] * n)


def fer2013(root: Path) -> Path:
    put(
        root / "fer2013.csv",
        "emotion,pixels,Usage\n"
        f"0,{pixels(10)},Training\n3,{pixels(20)},Training\n6,{pixels(30)},PublicTest\n"
        f"5,{pixels(40, 2303)},PrivateTest\n1,{pixels(300)},PrivateTest\n",
    )
    return root


def fer_plus(root: Path) -> Path:
    fer2013(root)
    put(
        root / "fer2013new.csv",
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
        "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n"  # 4 of 9 without the single vote: no majority
        "Training,fer0000001.png,0,6,0,4,0,0,0,0,0,0\n"
        "PublicTest,fer0000002.png,1,1,1,1,1,0,0,5,0,0\n"  # single votes are slips: 5 of 5
        "PrivateTest,fer0000003.png,0,0,5,5,0,0,0,0,0,0\n"
        "PrivateTest,,0,0,0,0,0,0,0,0,0,10\n",
    )
    return root


def raf_db(root: Path, media: Media) -> Path:
    labels = {"train_00001": 5, "train_00002": 1, "test_0001": 4}
    for name in labels:
        picture(root / f"Image/aligned/{name}_aligned.jpg", media)
        picture(root / f"Image/original/{name}.jpg", media)
    lines = [f"{name}.jpg {code}" for name, code in labels.items()]
    put(root / "EmoLabel/list_patition_label.txt", "\n".join(lines) + "\n")
    return root


AFFECTNET = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"


def affectnet(root: Path, media: Media) -> Path:
    """Happy, contempt, non-face in training; anger in validation, which has no header, as distributed."""
    for name in ("1/a.jpg", "1/b.jpg", "2/c.jpg", "2/d.jpg", "9/unlisted.jpg"):
        picture(root / f"Manually_Annotated_Images/{name}", media)
    rest = "10,10,90,90,30.1;40.2"
    put(
        root / "Manually_Annotated_file_lists/training.csv",
        f"{AFFECTNET}1/a.jpg,{rest},1,0.8,0.1\n1/b.jpg,{rest},7,-0.4,0.2\n2/c.jpg,{rest},10,-2,-2\n",
    )
    put(root / "Manually_Annotated_file_lists/validation.csv", f"2/d.jpg,{rest},6,-0.6,0.7\n")
    return root
