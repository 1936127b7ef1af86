# Fetches a model's files, NAME or NAME=SHA256, from $URL into $MODEL_DIR, each under its name only when it is whole; what
# is there stays. Needs what curl's image has. The token goes through a pipe: arguments can be read by other processes.
set -eu
mkdir -p "$MODEL_DIR"
cd "$MODEL_DIR"
for file; do
  name=${file%%=*} sha256=${file#"${file%%=*}"}
  if [ -f "$name" ]; then
    echo "$name is there"
    continue
  fi
  part=$name.${HOSTNAME:-$$}.part # replicas may share the volume
  echo "fetching $URL/$name"
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --fail --location --retry 5 --output "$part" "$URL/$name"
  if [ -n "$sha256" ] && ! echo "${sha256#=}  $part" | sha256sum -c - >/dev/null; then
    echo "$URL/$name does not have the SHA-256 ${sha256#=}" >&2
    rm "$part"
    exit 1
  fi
  mv "$part" "$name"
done
