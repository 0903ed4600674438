"""Writes the released file: a PNG that says in its metadata that a model made it, with the same bytes every time."""

from __future__ import annotations

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for a picture made by a trained model."""

_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def encode_png(image: Image.Image) -> bytes:
    """The file of an RGB picture. Neither time, prompt nor program is written into it."""
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", _XMP, zip=False)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info, compress_level=6)
    return file.getvalue()
