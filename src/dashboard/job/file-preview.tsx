// A look into a file without downloading it, and into how two of its versions differ.
import { Modal, NativeSelect, Stack } from '@mantine/core';
import { useState } from 'react';

import type { ArtifactShape } from '../../contract/index.ts';
import type { JobKey } from '../queries.ts';
import { CompareFiles } from './file-compare.tsx';
import { OneFile } from './one-file.tsx';

interface Props {
  readonly job: JobKey;
  readonly file: ArtifactShape | null;
  /** All versions of the file, this one too. */
  readonly versions: readonly ArtifactShape[];
  readonly close: () => void;
}

export function FilePreview({ job, file, versions, close }: Props) {
  const [comparing, setComparing] = useState(false);
  const title = file === null ? '' : versions.length > 1 ? `${file.name}, version ${file.version}` : file.name;
  const end = (): void => {
    setComparing(false);
    close();
  };
  return (
    <Modal opened={file !== null} onClose={end} title={title} size={comparing ? 'min(1500px, 96vw)' : 'xl'}>
      {file === null ? null : <Preview key={file.id} job={job} file={file} versions={versions} setComparing={setComparing} />}
    </Modal>
  );
}

function Preview({
  job,
  file,
  versions,
  setComparing,
}: Pick<Props, 'job' | 'versions'> & { readonly file: ArtifactShape; readonly setComparing: (on: boolean) => void }) {
  const [other, setOther] = useState<ArtifactShape | null>(null);
  const others = versions.filter(({ id }) => id !== file.id);
  const choose = (id: string): void => {
    const chosen = others.find((each) => String(each.id) === id) ?? null;
    setOther(chosen);
    setComparing(chosen !== null);
  };
  return (
    <Stack gap="xs">
      {others.length === 0 ? null : (
        <NativeSelect
          size="xs"
          label="Compare with"
          className="dr-compare-with"
          value={other === null ? '' : String(other.id)}
          onChange={(event) => choose(event.currentTarget.value)}
          data={[{ value: '', label: 'nothing' }, ...others.map(({ id, version }) => ({ value: String(id), label: `version ${version}` }))]}
        />
      )}
      {other === null ? (
        <OneFile job={job} file={file} />
      ) : (
        <CompareFiles key={other.id} job={job} versions={other.version < file.version ? [other, file] : [file, other]} />
      )}
    </Stack>
  );
}
