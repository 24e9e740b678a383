<#
.SYNOPSIS
Reports what AOMEI Backupper's result log says to a Holdfast controller, for hosts without a Holdfast agent.

.DESCRIPTION
Run it every few minutes from the task scheduler, as SYSTEM. Each entry of the log is the end of one run. Its result code
alone decides: 0 is success, another number is a failure, none is unknown; the log's words are in the language of the host
and are only passed on. The controller takes the same entry once, however often it is sent.

.EXAMPLE
powershell.exe -NoProfile -ExecutionPolicy Bypass -File aomei_integration.ps1

.EXAMPLE
powershell.exe -NoProfile -File aomei_integration.ps1 -LogPath D:\Logs\brlog.xml -Since 2026-01-01
#>
param(
    [string]$LogPath = 'C:\ProgramData\AomeiBR\brlog.xml',
    [string]$StatePath = (Join-Path -Path $env:ProgramData -ChildPath 'Holdfast\reporter-state.json'),
    [datetime]$Since = [datetime]::MinValue
)

Set-StrictMode -Version 1.0
$ErrorActionPreference = 'Stop'
Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'Holdfast.psm1') -Force

$mostStatuses = 500
$mostText = 8000
$refusals = @('VALIDATION_ERROR', 'JOB_NOT_FOUND', 'STATUS_UPDATE_FAILED')

# Shared, because AOMEI Backupper may be writing; without DTDs, so that the log can name nothing outside of it.
function Read-Log {
    param([string]$Path)

    $settings = New-Object -TypeName Xml.XmlReaderSettings
    $settings.DtdProcessing = [Xml.DtdProcessing]::Prohibit
    $settings.XmlResolver = $null
    $stream = New-Object -TypeName IO.FileStream -ArgumentList $Path, 'Open', 'Read', 'ReadWrite, Delete'
    try {
        $reader = [Xml.XmlReader]::Create($stream, $settings)
        $document = New-Object -TypeName Xml.XmlDocument
        $document.XmlResolver = $null
        $document.Load($reader)
        return $document
    }
    finally { $stream.Dispose() }
}

function Get-Text {
    param([Xml.XmlElement]$Entry, [string]$Name)

    $child = $Entry.SelectSingleNode($Name)
    if ($null -eq $child) { return '' }
    $text = $child.InnerText.Trim()
    if ($text.Length -gt $mostText) { return $text.Substring(0, $mostText) }
    return $text
}

function Get-EntryStatus {
    param([string]$ResultCode)

    $code = 0
    if (-not [int]::TryParse($ResultCode, [ref]$code)) { return 'unknown' }
    if ($code -eq 0) { return 'success' }
    return 'failed'
}

# The entry as a status, and the moment of its end; $null when it has no time or names no task.
function ConvertTo-Report {
    param([Xml.XmlElement]$Entry)

    $seconds = [long]0
    $task = Get-Text -Entry $Entry -Name 'Task'
    if (-not [long]::TryParse((Get-Text -Entry $Entry -Name 'Time'), [ref]$seconds) -or $task -eq '') { return $null }
    if ($seconds -lt 946684800 -or $seconds -gt 4102444800) { return $null }
    $end = [DateTimeOffset]::FromUnixTimeSeconds($seconds).UtcDateTime
    $endText = $end.ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
    $statusText = Get-EntryStatus -ResultCode (Get-Text -Entry $Entry -Name 'ResultCode')
    $errorText = ''
    if ($statusText -ne 'success') { $errorText = Get-Text -Entry $Entry -Name 'Detail' }
    $operation = Get-Text -Entry $Entry -Name 'Operation'
    $name = $task.Substring(0, [Math]::Min(200, $task.Length))
    $body = @{
        job_id        = 0
        task_name     = $name
        status        = $statusText
        end_time      = $endText
        error_message = $errorText
        details       = $operation
    }
    return [pscustomobject]@{ Task = $name; End = $end; Body = $body }
}

# The end of the newest run that was sent; a second of overlap costs nothing, because the controller knows what it has.
function Get-LastEnd {
    if ($Since -ne [datetime]::MinValue) { return $Since.ToUniversalTime() }
    if (-not (Test-Path -LiteralPath $StatePath)) { return [datetime]::MinValue }
    try {
        $state = Get-Content -LiteralPath $StatePath -Raw | ConvertFrom-Json
        return (New-Object -TypeName datetime -ArgumentList ([long]$state.last_end_ticks), ([DateTimeKind]::Utc))
    }
    catch { return [datetime]::MinValue }
}

function Save-LastEnd {
    param([datetime]$End)

    $folder = Split-Path -Path $StatePath -Parent
    if (-not (Test-Path -LiteralPath $folder)) { New-Item -Path $folder -ItemType Directory -Force | Out-Null }
    @{ last_end_ticks = $End.Ticks } | ConvertTo-Json | Set-Content -LiteralPath "$StatePath.partial" -Encoding ASCII
    Move-Item -LiteralPath "$StatePath.partial" -Destination $StatePath -Force
}

# Sends them in their order and notes how far it came; a refusal of one does not hold up the others.
function Send-Reports {
    param([object[]]$Reports)

    $jobs = @{}
    for ($from = 0; $from -lt $Reports.Count; $from += $mostStatuses) {
        $some = @($Reports[$from..([Math]::Min($from + $mostStatuses, $Reports.Count) - 1)])
        foreach ($report in $some) {
            if (-not $jobs.ContainsKey($report.Task)) { $jobs[$report.Task] = Register-BackupJob -TaskName $report.Task }
            $report.Body.job_id = $jobs[$report.Task]
        }
        $results = @(Send-BackupStatusBatch -Statuses @($some | ForEach-Object -Process { $_.Body }))
        foreach ($result in $results) {
            if ($result.success) { continue }
            # What failed inside the controller comes again with the next run; what it will never take does not.
            if ($refusals -notcontains $result.code) { throw "The controller failed: $($result.code) $($result.message)" }
            Write-BackupLog -Level 'ERROR' -Message "Refused: $($result.code) $($result.message)"
        }
        Save-LastEnd -End $some[-1].End
    }
}

try {
    $last = Get-LastEnd
    $entries = @((Read-Log -Path $LogPath).SelectNodes('/BRLog/Log'))
    $reports = @($entries | ForEach-Object -Process { ConvertTo-Report -Entry $_ } | Where-Object -FilterScript { $null -ne $_ })
    $new = @($reports | Where-Object -FilterScript { $_.End -ge $last } | Sort-Object -Property End)
    if ($new.Count -gt 0) { Send-Reports -Reports $new }
    Write-BackupLog -Level 'INFO' -Message "$($entries.Count) entries in the log, $($new.Count) sent."
    exit 0
}
catch {
    Write-BackupLog -Level 'ERROR' -Message $_.Exception.Message
    exit 1
}
