#!/usr/bin/python3
"""Makes the document font: a renamed TrueType subset of Noto Sans CJK SC.

    apt-get install fonts-noto-cjk python3-fonttools
    scripts/make-font.py [OUT_DIR]

PDF needs TrueType outlines, and Noto CJK ships CFF in a collection, so the
script picks the Simplified Chinese face, keeps ASCII, Latin-1 letters, GB 2312
and the signs documents print, turns cubic into quadratic curves, and renames
the result: "Noto" is a trademark, and a changed font must not carry it. The
licence (SIL OFL 1.1) stands beside it in OFL.txt.
"""
import io
import os
import sys

from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, newTable

SOURCE = "/usr/share/fonts/opentype/noto/NotoSansCJK-%s.ttc"
FACE = 2  # JP, KR, SC, TC, HK in this order
NAME = "Capillary Sans SC"
SIGNS = "¥€£•·–—―‘’“”…‰′″※℃№←↑→↓≈≠≤≥×÷±√∞□■▪○●△▲▽▼◇◆★☆✓✗①②③④⑤⑥⑦⑧⑨⑩〇〔〕【】《》「」『』〈〉、。，．：；！？（）～￥％＋－＝＜＞／＆＠＃"
# Characters outside GB 2312 that names of people and places often carry.
NAMES = "喆堃镕珺玥昇祎翀旻昉劼垚犇淼焱鑫骉璟琨玮珩瑄彧晞暐曦煊烜燚珣瑀瓅祺禛笙紘缙羿翊芃芊茗荇菡蕙蘅衎訢赟轶逵邺郗鄞钤钧铠锜镓镱闳陂隰雎霂靖韫頔颀颢飏馥骁骐骞魃鲲鹍麒麟龑堉墁姝婳媖嫄孛岚峣嵘巘帏庥弢忻怡恺惇憬戬戢抒拊挚敫旸昀昕晁晔晟暄暾朏杕杲柘栩桁梓棣棽槿橦檩欤歆毓泓洺浛浠涵淏淳渼湉溱滢漪潆澍濂灏炅炜烨焓煜熠熳爔牟猗玘玢玫珂珈珏琇琎琚琛琤琦琪琮琰瑗瑜瑢瑭璇璐璘瓒"


def characters():
    chars = set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
    for hi in range(0xA1, 0xF8):
        for lo in range(0xA1, 0xFF):
            try:
                chars.add(ord(bytes([hi, lo]).decode("gb2312")))
            except UnicodeDecodeError:
                pass
    chars |= {ord(c) for c in SIGNS + NAMES}
    return chars


def build(weight, out):
    font = TTCollection(SOURCE % weight, lazy=False).fonts[FACE]
    font.recalcTimestamp = False  # the same input gives the same bytes
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    s = subset.Subsetter(options)
    s.populate(unicodes=characters())
    s.subset(font)
    order = font.getGlyphOrder()
    glyph_set = font.getGlyphSet()
    glyphs = {}
    for name in order:
        pen = TTGlyphPen(glyph_set)
        glyph_set[name].draw(Cu2QuPen(pen, max_err=1.5, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"] = newTable("loca")
    glyf = font["glyf"] = newTable("glyf")
    glyf.glyphOrder = order
    glyf.glyphs = glyphs
    del font["CFF "]
    if "VORG" in font:
        del font["VORG"]
    glyf.compile(font)
    maxp = font["maxp"] = newTable("maxp")
    maxp.tableVersion = 0x00010000
    for field in ("maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs",
                  "maxStackElements", "maxSizeOfInstructions", "maxComponentElements"):
        setattr(maxp, field, 0)
    maxp.maxZones = 1
    maxp.numGlyphs = len(order)
    maxp.recalc(font)
    post = font["post"]
    post.formatType = 3.0
    font.sfntVersion = "\000\001\000\000"
    for record in list(font["name"].names):
        if record.nameID in (0, 13, 14):
            continue
        font["name"].names.remove(record)
    style = weight
    for name_id, text in ((1, NAME), (2, style), (3, NAME + " " + style), (4, NAME + " " + style),
                          (5, "Version 1.0; subset of Noto Sans CJK SC 2.004"),
                          (6, NAME.replace(" ", "") + "-" + style)):
        font["name"].setName(text, name_id, 3, 1, 0x409)
    buf = io.BytesIO()
    font.save(buf)
    with open(out, "wb") as f:
        f.write(buf.getvalue())
    print("%s: %d glyphs, %d bytes" % (out, len(order), len(buf.getvalue())))


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "internal/platform/doc/font"
    os.makedirs(folder, exist_ok=True)
    build("Regular", os.path.join(folder, "CapillarySansSC-Regular.ttf"))
