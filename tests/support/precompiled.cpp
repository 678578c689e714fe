// Nothing but the precompiled header, which is built with the first source that uses it.
