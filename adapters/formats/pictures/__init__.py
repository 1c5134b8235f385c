"""How pictures are asked of providers that have a form of their own for it, and brought into OpenAI's.

`painter`   what such a codec is made of, with the request and the answer between the forms
`plain`     providers whose form is OpenAI's but for a few members
`raster`    what is done to the pictures themselves
one module each for the other forms; `table` names them
"""
