import { describe, expect, test } from "vitest";
import { parsePatch } from "./patch";

const PATCH = `diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -3,3 +3,4 @@ def main():
 same
-lr = 0.1
+lr = 0.3
+--- not a path
 end
\\ No newline at end of file
diff --git a/a b/new name.py b/a b/new name.py
new file mode 100644
--- /dev/null
+++ b/a b/new name.py\t
@@ -0,0 +1 @@
+<script>alert(1)</script>
diff --git a/old.py b/moved.py
similarity index 100%
rename from old.py
rename to moved.py
diff --git "a/\\303\\274.py" "b/\\303\\274.py"
deleted file mode 100644
--- "a/\\303\\274.py"
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/w.bin b/w.bin
new file mode 100644
GIT binary patch
literal 3
+aa
`;

describe("a patch", () => {
  const files = parsePatch(PATCH);

  test("has its files, however they are named", () => {
    expect(files.map((file) => [file.path, file.kind])).toEqual([
      ["train.py", "changed"],
      ["a b/new name.py", "new"],
      ["moved.py", "renamed"],
      ["ü.py", "deleted"],
      ["w.bin", "binary"],
    ]);
    expect(files[2]?.from).toBe("old.py");
  });

  test("counts the lines that were added and removed", () => {
    expect(files.map((file) => [file.added, file.removed])).toEqual([[2, 1], [1, 0], [0, 0], [0, 1], [0, 0]]);
  });

  test("numbers the lines of both sides", () => {
    const hunk = files[0]?.hunks[0];
    expect(hunk?.where).toBe("def main():");
    expect(hunk?.lines.map((line) => [line.kind, line.before, line.after])).toEqual([
      ["same", 3, 3],
      ["removed", 4, null],
      ["added", null, 4],
      ["added", null, 5],
      ["same", 5, 6],
      ["note", null, null],
    ]);
  });

  test("that is none has no files", () => {
    expect(parsePatch("")).toEqual([]);
    expect(parsePatch("no patch\n@@ -1 +1 @@\n+x")).toEqual([]);
  });
});
