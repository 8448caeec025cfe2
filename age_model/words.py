"""What the page says, in English: the one place to translate. HTML is made of it elsewhere."""

TITLE = "How old do they look?"
INTRODUCTION = (
    "Give a photo or a webcam picture: each face gets an age in years, with the range that it "
    "most likely lies in, from a small Vision Transformer trained for this project."
)
WAITING_PHOTO = "Choose a photo or click an example: the faces and their ages appear here."
WAITING_WEBCAM = "Take a picture: the faces and their ages appear here."
WAITING_RESULTS = "One moment: the results of the model that is loaded appear here."
NOT_MEASURED = "Nothing is measured about this model"
RESULTS_UNREADABLE = "The model's results.json is not in the form that train.evaluate writes."
NO_FACE = (
    "No face found",
    "Try a picture in which the face is larger, upright, well lit and turned to the camera.",
)
UNUSABLE = "This picture cannot be used"
FAILED = (
    "Something went wrong",
    "The picture could not be examined. Try again, or try another picture.",
)
MANY_INTRODUCTION = (
    "Up to {most} pictures, or zip files of pictures, of at most {megabytes} MB a file: a row for "
    "each picture, and at the end a table to keep."
)
MANY_NONE = ("No pictures yet", "Choose pictures or a zip file first.")
MANY_STOPPED = (
    "Stopped",
    "The pictures that were done before are below. Start again for all of them and the downloads.",
)
LIVE_INTRODUCTION = (
    "Start the camera, then press Record: up to {most} faces get a number and an age that goes on "
    "being averaged while they are seen. {visitors} visitors can be live at once, each for "
    "{seconds} seconds at a time; if nobody waits, it goes on by itself until you press Stop."
)
LIVE_WAITING = "The camera is off. Frames are examined one by one as they come and then forgotten."
LIVE_NO_FACE = "No face seen: come nearer, face the camera, and see to light from the front."
LIVE_TOO_LARGE = "The camera's frames are too large: choose a lower resolution for it."
LIVE_UNREADABLE = "The browser sent a frame that cannot be read. Reload the page, or try another."
# By the names that browsers give to their reasons.
CAMERA_PROBLEMS = {
    "NotAllowedError": (
        "The camera was refused",
        "Allow this page to use the camera (the icon beside the address), then click again. "
        "Without one, use the tab Photo.",
    ),
    "NotFoundError": (
        "No camera found",
        "Connect one and click again, or use the tab Photo.",
    ),
    "NotReadableError": (
        "The camera cannot be used",
        "Another program may be using it: close that program and click again.",
    ),
    "insecure": (
        "No camera on this address",
        "Browsers give the camera only to pages from https:// or from this very machine.",
    ),
    "other": (
        "The camera did not start",
        "Try again, or use the tab Photo.",
    ),
}
PRIVACY = (
    "Privacy",
    "Pictures are examined on the machine that runs this page. None is kept, logged or used for "
    "training: uploads lie in a temporary folder and are deleted within minutes, live pictures from "
    "the camera never touch a disk.",
)
LIMITS = (
    "Limits",
    "The age is how old a face looks to the model, and can be wrong by many years, more so for "
    "some groups of people than for others; the model card (age_model/checkpoint/README.md) has "
    "the measured errors. Gender is what the face looks like to the model, not who someone is. "
    "Not for verifying ages, and not for decisions about people.",
)
# What the server says to a program, where the page shows it as a notice.
NO_ADDRESSES = (
    "This server fetches nothing from addresses: upload the picture, or send it as a data: URL "
    "(data:image/jpeg;base64,...)."
)
REQUEST_FAILED = (
    "The request could not be answered: its values are not what this endpoint takes, or a file of it "
    "is no upload. See the API link at the foot of the page, and try again."
)
REQUEST_TOO_LARGE = "The request is too large: at most {megabytes} MB. Send fewer or smaller pictures."
ROUTE_CLOSED = "This page has no use for that address, so it is closed."
DISK_FULL = "There is no room for uploads at the moment: try again in a few minutes."
