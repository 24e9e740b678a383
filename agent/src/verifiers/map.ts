/** The hash map as a file: is it the one that was written with the backup? */
import type { Finding } from "@holdfast/protocol";
import { digestMapFile } from "../blockmap/map-file.ts";
import { asHoldfastError } from "../errors.ts";
import { mapPath } from "../repository/layout.ts";
import { asDamage } from "../restore/damage.ts";
import type { Part, PartContext } from "./part.ts";

export const map: Part = {
  name: "map",
  run: async (context) => {
    context.findings.add(...(await mapFaults(context)));
    return { ran: true };
  },
};

async function mapFaults({ disk, line, options }: PartContext): Promise<Finding[]> {
  const { backup_id, hash_map: recorded } = line.backup;
  const file = recorded.file_name;
  const found: Finding[] = [];
  if (options.recordedMapDigest !== undefined && options.recordedMapDigest !== recorded.sha256) {
    const message = `${file} is not the map that was recorded outside this repository when the backup was made`;
    found.push({ code: "MAP_REPLACED", message, file });
  }
  try {
    const { sha256, sizeBytes } = await digestMapFile(mapPath(disk.folder, backup_id));
    if (sha256 !== recorded.sha256 || sizeBytes !== recorded.size_bytes)
      found.push({ code: "MAP_DIGEST", message: `${file} changed since the backup was made`, file });
  } catch (error) {
    const failed = asHoldfastError(error, `reading ${file}`);
    const damage = asDamage(failed);
    if (failed.code === "NOT_FOUND") found.push({ code: "MAP_MISSING", message: `${file} is missing`, file });
    else if (damage === undefined) throw failed;
    else found.push({ ...damage, file });
  }
  return found;
}
